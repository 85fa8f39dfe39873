// readout, take_readings: what a text says of a concept, pooled over texts that differ in everything.
#include "steer/measure/readout.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "expect_error.hpp"
#include "steer/measure/take_readings.hpp"
#include "toy.hpp"

namespace {

using steer::token_text;

/// A model whose logits after a token depend on that token alone: row t of the table.
struct table_host {
  steer::matrix<float> table;  // [V, V]
  steer::model_shape model = toy::shape(1, 2);
  std::size_t passes = 0;
  std::size_t given = std::numeric_limits<std::size_t>::max();  // of the texts, at most
  Eigen::Index cut = 0;                                         // rows that are missing at the end

  const steer::model_shape& shape() const { return model; }
  void evaluate(std::span<const std::int32_t>, steer::hook_ref<float>) const {}
  void logits(std::span<const token_text> texts, steer::hook_ref<float>, const steer::logits_sink& sink) {
    ++passes;
    for (std::size_t i = 0; i < std::min(given, texts.size()); ++i) {
      steer::matrix<float> out(static_cast<Eigen::Index>(texts[i].size()), table.cols());
      for (std::size_t t = 0; t < texts[i].size(); ++t) {
        out.row(static_cast<Eigen::Index>(t)) = table.row(texts[i][t] % table.rows());
      }
      sink(i, {out.data(), out.rows() - cut, out.cols()});
    }
  }
};
static_assert(steer::logits_host<table_host>);

struct naive_pool {
  double value;
  double error;
};

/// Ratio estimator and its linearised error, from the definitions.
naive_pool naive(const std::vector<std::pair<double, double>>& samples, steer::pooling how) {
  double first = 0.0;
  double second = 0.0;
  for (const auto& [a, b] : samples) {
    first += a;
    second += b;
  }
  const bool mean = how == steer::pooling::mean;
  double squares = 0.0;
  for (const auto& [a, b] : samples) {
    const double moves = mean ? a / second - first * b / (second * second) : a / first - b / second;
    squares += moves * moves;
  }
  const auto n = static_cast<double>(samples.size());
  return {mean ? first / second : std::log(first) - std::log(second), std::sqrt(squares * n / (n - 1.0))};
}

TEST(readout, of_texts_that_differ_in_length_places_pairing_and_pooling_is_the_naive_form) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const auto any = [&](std::size_t n) { return static_cast<std::size_t>(engine() % n); };
    constexpr std::int32_t vocabulary = 7;
    table_host host{.table = toy::random_rows<float>(engine, vocabulary, vocabulary)};
    const auto text = [&](std::size_t least) {
      token_text out(least + any(6));
      std::generate(out.begin(), out.end(), [&] { return static_cast<std::int32_t>(any(vocabulary)); });
      return out;
    };
    const auto probability = [&](std::int32_t after, std::int32_t next) {
      const Eigen::ArrayXd all = host.table.row(after).cast<double>().array().exp();
      return all[next] / all.sum();
    };
    std::vector<token_text> shared(3 + any(4));
    std::generate(shared.begin(), shared.end(), [&] { return text(1); });
    std::vector<steer::readout> readouts;
    std::vector<naive_pool> expected;
    std::size_t passes = 0;
    bool shared_read = false;
    for (std::size_t r = 0; r < 4; ++r) {
      const std::string name = "r" + std::to_string(r);
      std::vector<std::pair<double, double>> samples;
      if (any(3) == 0) {
        std::vector<std::pair<token_text, token_text>> pairs;
        for (std::size_t i = 0; i < 2 + any(4); ++i) {
          pairs.emplace_back(text(2), text(2));
          pairs.back().second.push_back(static_cast<std::int32_t>((pairs.back().first.back() + 1) % vocabulary));
          double odds = 0.0;
          for (const auto* side : {&pairs.back().first, &pairs.back().second}) {
            for (std::size_t t = 0; t + 1 < side->size(); ++t) {
              odds += (side == &pairs.back().first ? 1.0 : -1.0) * std::log(probability((*side)[t], (*side)[t + 1]));
            }
          }
          samples.emplace_back(odds, 1.0);
        }
        readouts.push_back(steer::pair_readout(name, pairs));
        expected.push_back(naive(samples, steer::pooling::mean));
        ++passes;
        continue;
      }
      const auto how = any(2) == 0 ? steer::pooling::mean : steer::pooling::log_ratio;
      const std::int32_t offset = static_cast<std::int32_t>(any(vocabulary));
      steer::token_sets sets{.name = name, .positive = {offset % vocabulary}, .negative = {(offset + 1) % vocabulary}};
      if (any(2) == 0) {
        sets.positive.push_back((offset + 2) % vocabulary);
      }
      const bool some = any(2) == 0;
      if (some) {
        sets.positions = [](std::span<const std::int32_t>, std::size_t position) { return position % 2 == 0; };
      }
      const bool own = any(2) == 0;
      std::vector<token_text> texts = shared;
      if (own) {
        texts.push_back(text(9 + r));
      }
      passes += own || !shared_read ? 1 : 0;
      shared_read = shared_read || !own;
      for (const token_text& each : texts) {
        std::pair<double, double> sample{0.0, 0.0};
        for (std::size_t t = 0; t < each.size(); t += some ? 2 : 1) {
          double plus = 0.0;
          double minus = 0.0;
          for (const std::int32_t token : sets.positive) {
            plus += probability(each[t], token);
          }
          for (const std::int32_t token : sets.negative) {
            minus += probability(each[t], token);
          }
          const bool mean = how == steer::pooling::mean;
          sample.first += mean ? std::log(plus / minus) : plus;
          sample.second += mean ? 1.0 : minus;
        }
        samples.push_back(sample);
      }
      readouts.push_back(steer::token_set_readout(sets, texts, how));
      expected.push_back(naive(samples, how));
    }
    const std::vector<steer::readings> found = steer::take_readings(host, readouts);
    EXPECT_EQ(host.passes, passes) << "one for each set of texts";
    for (std::size_t r = 0; r < found.size(); ++r) {
      const steer::estimate value = steer::value_of(found[r]);
      EXPECT_NEAR(value.value, expected[r].value, 1e-6) << r;
      EXPECT_NEAR(value.error, expected[r].error, 1e-6) << r;
    }
  }
}

TEST(readout, counts_a_token_once_that_its_set_names_twice) {
  table_host host{.table = steer::matrix<float>::Zero(4, 4)};
  const std::vector<token_text> texts{{1, 2}, {3}};
  const auto once = steer::token_set_readout({.name = "x", .positive = {1, 2}, .negative = {3}}, texts);
  const auto twice = steer::token_set_readout({.name = "x", .positive = {1, 2, 1}, .negative = {3, 3}}, texts);
  const auto found = steer::take_readings(host, {once, twice});
  EXPECT_EQ(steer::value_of(found[0]), steer::value_of(found[1]));
  EXPECT_NEAR(steer::value_of(found[1]).value, std::log(2.0), 1e-12);
}

TEST(readout, refuses_token_sets_by_message) {
  const std::vector<token_text> texts{{1, 2}, {3}};
  const auto refuse = [&](const steer::token_sets& sets, const std::vector<token_text>& of, const auto&... parts) {
    expect_error<steer::argument_error>([&] { steer::token_set_readout(sets, of); }, "readout \"x\"", parts...);
  };
  refuse({.name = "x", .positive = {}, .negative = {1}}, texts, "the positive set has no tokens");
  refuse({.name = "x", .positive = {1}, .negative = {}}, texts, "the negative set has no tokens");
  refuse({.name = "x", .positive = {-1}, .negative = {1}}, texts, "token -1 does not exist; expected 0 or above");
  refuse({.name = "x", .positive = {1, 2}, .negative = {3, 2}}, texts, "token 2 is in both sets");
  refuse({.name = "x", .positive = {1}, .negative = {2}}, {}, "has no texts");
  refuse({.name = "x", .positive = {1}, .negative = {2}}, {{1}, {}}, "text 1 is empty");
  refuse({.name = "x", .positive = {1}, .negative = {2}}, {{1}, {2, -7}}, "text 1, token 1 is -7; expected 0 or above");
  expect_fields<steer::argument_error>(
      [&] { steer::token_set_readout({.name = "x: y", .positive = {1}, .negative = {2}}, {{1}, {2, -7}}); },
      {.what = "readout \"x: y\"", .expected = "0 or above", .actual = "-7"});
}

TEST(readout, refuses_pairs_by_message) {
  const auto refuse = [](const std::vector<std::pair<token_text, token_text>>& pairs, const auto&... parts) {
    expect_error<steer::argument_error>([&] { steer::pair_readout("x", pairs); }, "readout \"x\"", parts...);
  };
  refuse({}, "has no texts");
  refuse({{{1, 2}, {1, 3}}, {{1, 2}, {1}}}, "pair 1 has texts of 2 and 1 tokens; expected at least 2 each");
  refuse({{{1, 2}, {1, -3}}}, "text 1, token 1 is -3");
  refuse({{{1, 2}, {1, 3}}, {{4, 2}, {4, 2}}}, "pair 1 has the same text on both sides; expected two that differ");
}

TEST(readout, refuses_tokens_that_the_model_does_not_have_with_the_first_logits) {
  table_host host{.table = steer::matrix<float>::Zero(4, 4)};
  const auto pair = steer::pair_readout("p", {{{1, 2}, {1, 3}}, {{0, 1}, {0, 4}}});
  expect_error<steer::argument_error>([&] { steer::take_readings(host, {pair}); },
                                      "readout \"p\": text 3, token 1 is 4; expected at most 3, as the model has 4 tokens");
  const std::vector<token_text> texts{{1, 2}, {3}};
  const auto sets = steer::token_set_readout({.name = "s", .positive = {1}, .negative = {9}}, texts);
  expect_error<steer::argument_error>([&] { steer::take_readings(host, {sets}); }, "readout \"s\": token 9 does not exist",
                                      "the model has 4");
  const steer::matrix<float> logits = steer::matrix<float>::Zero(2, 4);
  const token_text beyond{0, 4};
  expect_error<steer::argument_error>([&] { pair.read(beyond, {logits.data(), 2, 4}); }, "token 1 is 4");
  const token_text longer{0, 1, 2};
  expect_error<steer::host_error>([&] { pair.read(longer, {logits.data(), 2, 4}); }, "2 rows of logits", "3 tokens");
  expect_error<steer::host_error>([&] { sets.read(longer, {logits.data(), 2, 4}); }, "2 rows of logits", "3 tokens");
}

TEST(take_readings, refuses_every_readout_before_the_first_pass) {
  table_host host{.table = steer::matrix<float>::Zero(4, 4)};
  const auto good = steer::token_set_readout({.name = "good", .positive = {1}, .negative = {2}}, {{1, 2}, {3}});
  steer::readout nameless = good;
  nameless.name.clear();
  nameless.texts.pop_back();  // texts of its own
  steer::readout blind = good;
  blind.read = nullptr;
  steer::readout odd = good;
  odd.sample = steer::readout::sample::pair;
  odd.texts.push_back({1});
  steer::readout negative = good;
  negative.texts[0][1] = -2;
  for (const steer::readout& bad : {nameless, blind, odd, negative, steer::readout{.name = "empty", .read = good.read}}) {
    expect_error<steer::argument_error>([&] { steer::take_readings(host, {good, bad}); }, "readout \"");
  }
  EXPECT_EQ(host.passes, 0U);
}

TEST(take_readings, refuses_a_host_that_leaves_out_texts_or_rows) {
  table_host host{.table = steer::matrix<float>::Zero(4, 4), .given = 1};
  const auto r = steer::token_set_readout({.name = "r", .positive = {1}, .negative = {2}}, {{1, 2}, {3}});
  expect_error<steer::host_error>([&] { steer::take_readings(host, {r}); }, "model \"toy\"", "logits of 1 text; expected 2");
  host.given = 2;
  host.cut = 1;
  steer::readout own = r;
  own.read = [](std::span<const std::int32_t>, steer::logits_view) { return steer::readout_sample{1.0, 1.0}; };
  expect_error<steer::host_error>([&] { steer::take_readings(host, {own}); }, "readout \"r\"", "text 0", "1 rows of logits", "2 tokens");
}

}  // namespace
