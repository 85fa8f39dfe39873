#include "steer/measure/compare_with_prompt.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "expect_error.hpp"
#include "fit/small_model.hpp"
#include "steer/core/answered_request.hpp"

namespace {

using steer::hook_ref;

/// Puts each row that foretells an answer where it is in the prompted text.
struct the_prompt_itself {
  std::map<std::pair<std::int32_t, std::int32_t>, Eigen::RowVectorXf> rows;  // by text and step of the answer
  std::vector<std::int32_t> from;
  bool learns = true;

  static steer::access access(steer::site where) noexcept {
    return where == steer::site{2, steer::point::residual_out} ? steer::access::write : steer::access::none;
  }
  void operator()(steer::site, steer::rows<float> shown) noexcept {
    for (std::ptrdiff_t i = 0; i < shown.count; ++i) {
      const steer::row_info& row = shown.info_of(i);
      const std::int32_t step = row.position - from[static_cast<std::size_t>(row.sequence)];
      Eigen::Map<Eigen::RowVectorXf> h(shown[i].data(), shown.width);
      if (step >= 0 && learns) {
        rows[{row.sequence, step}] = h;
      } else if (step >= 0) {
        h = rows.at({row.sequence, step});
      }
    }
  }
};

class compare_with_prompt : public testing::Test {
 protected:
  std::mt19937_64 engine{9};
  std::vector<steer::answered_request> requests = toy::random_requests(engine, 6);
  toy::small_model model;
};

TEST_F(compare_with_prompt, nothing_recovers_nothing_and_the_prompt_everything) {
  the_prompt_itself prompt;
  std::vector<steer::detail::request_text> texts;
  std::vector<steer::asked_text> asked;
  for (const steer::answered_request& each : requests) {
    texts.emplace_back(each.prompted, each.answer);
  }
  for (const auto& each : texts) {
    asked.push_back(each.asked());
    prompt.from.push_back(each.asked().from);
  }
  model.ask(asked, prompt, [](std::size_t, steer::logits_view) {});
  prompt.learns = false;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    prompt.from[i] = static_cast<std::int32_t>(requests[i].plain.size()) - 1;
  }
  steer::no_hook nothing;
  const std::vector<hook_ref<float>> hooks{nothing, prompt};
  const auto found = steer::compare_with_prompt(model, requests, hooks);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(steer::recovery(found[0]).value, 0.0);
  EXPECT_NEAR(steer::recovery(found[0]).error, 0.0, 1e-12);
  EXPECT_EQ(steer::wrong_way(found[0]), 0.0);
  EXPECT_EQ(steer::likelihood_gain(found[0]).value, 0.0);
  EXPECT_NEAR(steer::recovery(found[1]).value, 1.0, 1e-6);
  EXPECT_NEAR(steer::recovery_of_first_token(found[1]).value, 1.0, 1e-6);
  EXPECT_NEAR(steer::likelihood_gain(found[1]).value, steer::likeness(found[1]).value, 1e-6);
  EXPECT_GT(steer::prompt_effect(found[0]).value, 0.01);
}

TEST_F(compare_with_prompt, sums_are_those_of_the_definition) {
  const auto found = steer::compare_with_prompt(model, requests, {});
  ASSERT_EQ(found.size(), 1U) << "of the plain model alone";
  double above = 0.0;
  std::vector<double> parts;
  std::vector<double> counts;
  for (std::size_t r = 0; r < requests.size(); ++r) {
    std::vector<Eigen::MatrixXd> p;
    for (const bool with : {true, false}) {
      const steer::detail::request_text text(with ? requests[r].prompted : requests[r].plain, requests[r].answer);
      const steer::asked_text asked = text.asked();
      steer::no_hook nothing;
      model.ask(std::span(&asked, 1), nothing, [&](std::size_t, steer::logits_view logits) {
        Eigen::MatrixXd e = logits.cast<double>().array().exp();
        for (Eigen::Index i = 0; i < e.rows(); ++i) {
          e.row(i) /= e.row(i).sum();
        }
        p.push_back(e);
      });
    }
    double sum = 0.0;
    double likelihood = 0.0;
    for (Eigen::Index i = 0; i < p[0].rows(); ++i) {
      for (Eigen::Index v = 0; v < p[0].cols(); ++v) {
        sum += p[0](i, v) * std::log(p[0](i, v) / p[1](i, v));
      }
      likelihood += std::log(p[1](i, requests[r].answer[static_cast<std::size_t>(i)]));
    }
    EXPECT_NEAR(found[0][r].plain_divergence, sum, 1e-4 * sum);
    EXPECT_NEAR(found[0][r].plain_likelihood, likelihood, 1e-4 * std::abs(likelihood));
    EXPECT_EQ(found[0][r].tokens, requests[r].answer.size());
    above += sum;
    parts.push_back(sum);
    counts.push_back(static_cast<double>(requests[r].answer.size()));
  }
  double below = 0.0;
  for (const double each : counts) {
    below += each;
  }
  const steer::estimate effect = steer::prompt_effect(found[0]);
  EXPECT_NEAR(effect.value, above / below, 1e-4 * effect.value);
  const auto n = static_cast<double>(parts.size());
  double mean = 0.0;
  double squares = 0.0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    mean += (above - parts[i]) / (below - counts[i]) / n;
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const double off = (above - parts[i]) / (below - counts[i]) - mean;
    squares += off * off;
  }
  EXPECT_NEAR(effect.error, std::sqrt(squares * (n - 1.0) / n), 1e-4 * effect.error);
}

TEST_F(compare_with_prompt, drift_is_of_texts_that_should_be_left_alone) {
  struct push {
    static steer::access access(steer::site where) noexcept { return where.layer == 1 ? steer::access::write : steer::access::none; }
    void operator()(steer::site, steer::rows<float> rows) const noexcept {
      for (std::ptrdiff_t i = 0; i < rows.count; ++i) {
        rows[i][0] += by;
      }
    }
    float by;
  } small{0.1F}, large{1.0F};
  steer::no_hook nothing;
  std::vector<std::vector<std::int32_t>> texts(11, std::vector<std::int32_t>(7));  // more than are in memory together
  for (auto& text : texts) {
    std::ranges::generate(text, [&] { return static_cast<std::int32_t>(engine() % 20); });
  }
  const std::vector<hook_ref<float>> hooks{nothing, small, large};
  const auto found = steer::measure_drift(model, texts, hooks);
  EXPECT_EQ(steer::drift(found[0]).value, 0.0);
  EXPECT_EQ(steer::likelihood_loss(found[0]).value, 0.0);
  EXPECT_GT(steer::drift(found[1]).value, 0.0);
  EXPECT_GT(steer::drift(found[2]).value, 10.0 * steer::drift(found[1]).value);
  ASSERT_EQ(found[2][10].divergence.size(), 5U) << "neither the first token nor what follows it counts";
  EXPECT_GT(steer::drift_quantile(found[2], 0.95), steer::drift(found[2]).value);
  EXPECT_LE(steer::drift_quantile(found[2], 0.0), steer::drift_quantile(found[2], 0.5));
  expect_error<steer::argument_error>([&] { steer::drift_quantile(found[2], 2.0); }, "a quantile of 2");
  texts[3].resize(2);
  expect_error<steer::argument_error>([&] { steer::measure_drift(model, texts, hooks); }, "text 3 has 2 tokens");
}

TEST_F(compare_with_prompt, refuses_what_cannot_be_compared) {
  expect_error<steer::argument_error>([&] { steer::compare_with_prompt(model, {}, {}); }, "no requests");
  for (steer::answered_request& each : requests) {
    each.prompted = each.plain;
  }
  const auto same = steer::compare_with_prompt(model, requests, {});
  expect_error<steer::numeric_error>([&] { steer::recovery(same[0]); }, "no effect on 6 requests");
  requests[0].answer.back() = 20;
  expect_error<steer::argument_error>([&] { steer::compare_with_prompt(model, requests, {}); }, "request 0", "token 20", "0 to 19");
}

}  // namespace
