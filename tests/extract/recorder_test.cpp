#include "steer/extract/recorder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "expect_error.hpp"
#include "fit/small_model.hpp"
#include "steer/extract/mean_difference.hpp"
#include "toy.hpp"

namespace {

class recorder : public testing::Test {
 protected:
  std::mt19937_64 engine{4};
  toy::host model{.embedding = toy::random_rows<float>(engine, 27, 3)};

  Eigen::VectorXd token(int id, int layer) const {
    return (model.embedding.row(id) * static_cast<float>(layer + 1)).cast<double>().transpose();
  }
};

TEST_F(recorder, pools_the_selected_tokens_of_each_text) {
  steer::recorder made{model.shape(), {.tokens = steer::token_span{1}}};
  made.record(model, "ab", "c");
  made.record(model, "b", steer::side::positive);
  EXPECT_EQ(made.count(steer::side::positive), 2U);
  EXPECT_EQ(made.count(steer::side::negative), 1U);
  EXPECT_FALSE(made.paired());
  for (int layer = 0; layer < 2; ++layer) {
    const Eigen::VectorXd first = 0.5 * (token(1, layer) + token(2, layer));
    EXPECT_LE((made.texts(layer, steer::side::positive).row(0).cast<double>().transpose() - first).norm(), 1e-6);
    EXPECT_LE((made.mean(layer, steer::side::positive) - 0.5 * (first + token(2, layer))).norm(), 1e-12);
    EXPECT_LE((made.mean(layer, steer::side::negative) - token(3, layer)).norm(), 1e-12);
    const double norms = token(1, layer).norm() + 2.0 * token(2, layer).norm() + token(3, layer).norm();
    EXPECT_NEAR(made.mean_row_norm(layer).value(), norms / 4.0, 1e-12) << "position 0 does not count";
  }
}

TEST_F(recorder, merged_from_parts_is_one_that_saw_it_all) {
  steer::recorder all{model.shape()};
  std::vector<steer::recorder> parts(2, steer::recorder{model.shape()});
  const std::vector<std::pair<std::string, std::string>> pairs{{"ab", "c"}, {"de", "fgh"}, {"i", "jk"}};
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    all.record(model, pairs[i].first, pairs[i].second);
    parts[i / 2].record(model, pairs[i].first, pairs[i].second);
  }
  parts[0].merge(parts[1]);
  EXPECT_TRUE(parts[0].paired());
  EXPECT_EQ(steer::mean_difference(parts[0], {.name = "x"}).source, steer::mean_difference(all, {.name = "x"}).source);
  for (int layer = 0; layer < 2; ++layer) {
    for (const steer::side s : {steer::side::positive, steer::side::negative}) {
      EXPECT_EQ(parts[0].texts(layer, s), all.texts(layer, s));
      EXPECT_LE((parts[0].mean(layer, s) - all.mean(layer, s)).norm(), 1e-12);
    }
    EXPECT_NEAR(*parts[0].mean_row_norm(layer), *all.mean_row_norm(layer), 1e-12);
  }
  const steer::recorder one_layer{model.shape(), {.layers = {1}}};
  expect_error<steer::argument_error>([&] { all.merge(one_layer); }, "of 1 layers into", "of 2 layers; expected");
  const steer::recorder other_tokens{model.shape(), {.tokens = steer::last_token{}}};
  expect_error<steer::argument_error>([&] { all.merge(other_tokens); }, "merges last token", "into positions from 1");
  expect_error<steer::shape_error>([&] { all.merge(steer::recorder{toy::shape(3, 3)}); }, "3 layers of width 3");
}

TEST_F(recorder, of_several_threads_merged_in_a_fixed_order_gives_the_same_bits) {
  const std::vector<std::pair<std::string, std::string>> pairs{{"ab", "c"}, {"de", "fgh"}, {"i", "jk"}, {"lm", "no"}};
  const auto record = [&] {
    std::vector<steer::recorder> parts(pairs.size(), steer::recorder{model.shape()});
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      threads.emplace_back([&, i] { parts[i].record(model, pairs[i].first, pairs[i].second); });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    for (std::size_t i = 1; i < parts.size(); ++i) {
      parts[0].merge(parts[i]);
    }
    return parts[0];
  };
  steer::recorder one{model.shape()};
  for (const auto& [positive, negative] : pairs) {
    one.record(model, positive, negative);
  }
  const steer::steering_vector first = steer::mean_difference(record(), {.name = "x"});
  EXPECT_EQ(first, steer::mean_difference(record(), {.name = "x"}));
  for (const auto& [layer, v] : steer::mean_difference(one, {.name = "x"}).directions) {
    EXPECT_LE((first.directions.at(layer).values - v.values).norm(), 1e-6);
  }
}

TEST_F(recorder, takes_the_bos_token_only_when_asked) {
  steer::recorder all{model.shape(), {.tokens = steer::all_tokens{}, .layers = {1}}};
  all.record(model, "a", "b");
  EXPECT_LE((all.mean(1, steer::side::positive) - 0.5 * (token(0, 1) + token(1, 1))).norm(), 1e-12);
  EXPECT_EQ(all.access({0, steer::point::residual_out}), steer::access::none);
  EXPECT_EQ(all.access({1, steer::point::residual_in}), steer::access::none);
  EXPECT_EQ(all.access({1, steer::point::residual_out}), steer::access::read);
}

TEST_F(recorder, reads_the_answers_of_texts_that_end_with_one) {
  steer::recorder made{model.shape(), {.tokens = steer::answer_tokens{}}};
  const std::vector<std::int32_t> asked{0, 1, 2, 3, 4};
  const std::vector<std::int32_t> other{0, 5, 6};
  made.record(model, {asked, 3}, {other, 1});
  made.record(model, steer::answered_text{other, 2}, steer::side::positive);
  for (int layer = 0; layer < 2; ++layer) {
    const auto plus = made.texts(layer, steer::side::positive);
    EXPECT_LE((plus.row(0).cast<double>().transpose() - 0.5 * (token(3, layer) + token(4, layer))).norm(), 1e-6);
    EXPECT_LE((plus.row(1).cast<double>().transpose() - token(6, layer)).norm(), 1e-6);
    EXPECT_LE((made.mean(layer, steer::side::negative) - 0.5 * (token(5, layer) + token(6, layer))).norm(), 1e-12);
  }
  EXPECT_EQ(steer::mean_difference(made, {.name = "x"}).source.tokens, "answer tokens");
  expect_error<steer::argument_error>([&] { made.record(model, {asked, 5}, {other, 1}); }, "positive text 2", "answer begins at token 5",
                                      "0 to 4");
  expect_error<steer::argument_error>([&] { made.record(model, asked, steer::side::negative); }, "negative text 1",
                                      "no token is selected by answer tokens");
  EXPECT_EQ(made.count(steer::side::positive), 2U);
}

TEST_F(recorder, of_texts_side_by_side_is_that_of_each_alone) {
  for (const std::ptrdiff_t rows_at_once : {0, 5}) {
    toy::small_model many(rows_at_once);
    std::vector<std::vector<std::int32_t>> tokens(2 * 70);  // more than two blocks
    for (auto& text : tokens) {
      text.resize(2 + engine() % 5);
      std::ranges::generate(text, [&] { return static_cast<std::int32_t>(engine() % 20); });
    }
    std::array<std::vector<steer::answered_text>, 2> sides;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      sides[i % 2].push_back({tokens[i], 1});
    }
    for (const steer::token_selection& selection : {steer::token_selection{steer::last_token{}}, steer::token_selection{steer::answer_tokens{}}}) {
      steer::recorder together{many.shape(), {.tokens = selection}};
      together.record(many, sides[0], sides[1]);
      together.record(many, std::span(sides[0]).first(3), steer::side::negative);
      steer::recorder alone{many.shape(), {.tokens = selection}};
      for (std::size_t i = 0; i < sides[0].size(); ++i) {
        alone.record(many, sides[0][i], sides[1][i]);
      }
      for (std::size_t i = 0; i < 3; ++i) {
        alone.record(many, sides[0][i], steer::side::negative);
      }
      EXPECT_EQ(together.count(steer::side::negative), 73U);
      EXPECT_FALSE(together.paired());
      for (int layer = 0; layer < 3; ++layer) {
        for (const steer::side s : {steer::side::positive, steer::side::negative}) {
          EXPECT_EQ(together.texts(layer, s), alone.texts(layer, s)) << layer;
          EXPECT_LE((together.mean(layer, s) - alone.mean(layer, s)).norm(), 1e-12);
        }
        EXPECT_NEAR(*together.mean_row_norm(layer), *alone.mean_row_norm(layer), 1e-12);
      }
    }
  }
}

TEST_F(recorder, keeps_all_texts_side_by_side_or_none) {
  toy::small_model many;
  const std::vector<std::int32_t> good{1, 2, 3};
  std::vector<steer::answered_text> texts(40, steer::answered_text{good});
  steer::recorder made{many.shape()};
  made.record(many, texts, texts);
  EXPECT_TRUE(made.paired());
  const Eigen::VectorXd mean = made.mean(1, steer::side::positive);
  const std::vector<std::int32_t> one{4};
  texts[35].tokens = one;  // no token but the first
  const int before = many.passes;
  expect_error<steer::argument_error>([&] { made.record(many, texts, steer::side::positive); }, "positive text 75", "no token is selected");
  EXPECT_EQ(many.passes, before) << "it is known before the first pass";
  texts[35].tokens = good;
  expect_error<steer::argument_error>([&] { made.record(many, texts, std::span(texts).first(3)); }, "40 positive texts and 3 negative");
  struct breaks : toy::small_model {
    void ask(std::span<const steer::asked_text> some, steer::hook_ref<float> hook, const steer::logits_sink& sink) {
      if (passes == 3) {
        throw steer::host_error("the power is gone");
      }
      toy::small_model::ask(some, hook, sink);
    }
  } broken;
  expect_error<steer::host_error>([&] { made.record(broken, texts, texts); }, "power");
  EXPECT_EQ(made.count(steer::side::positive), 40U) << "the first block of 32 pairs, too, is as if it had not been";
  EXPECT_EQ(made.count(steer::side::negative), 40U);
  EXPECT_TRUE(made.paired());
  EXPECT_EQ(made.mean(1, steer::side::positive), mean);
  made.record(many, texts, texts);
  EXPECT_EQ(made.count(steer::side::positive), 80U);
  EXPECT_LE((made.mean(1, steer::side::positive) - mean).norm(), 1e-12);
}

TEST_F(recorder, sums_in_double) {
  model.embedding.setConstant(1.0F);
  model.embedding.row(1).setConstant(3e7F);  // in float, 3e7 + 1 is 3e7
  steer::recorder made{model.shape()};
  made.record(model, "abbb", steer::side::positive);
  EXPECT_EQ(made.mean(0, steer::side::positive)[0], (3e7 + 3.0) / 4.0);
}

TEST_F(recorder, refuses_a_text_and_keeps_nothing_of_it) {
  steer::recorder made{model.shape(), {.tokens = steer::token_from_end{2}}};
  made.record(model, "abc", "bcd");
  expect_error<steer::argument_error>([&] { made.record(model, "abc", "a"); }, "negative text 1 (2 tokens)",
                                      "no token is selected by token 2 from the end");
  EXPECT_EQ(made.count(steer::side::positive), 1U) << "half a pair stayed";
  model.embedding(3, 1) = std::numeric_limits<float>::quiet_NaN();
  expect_error<steer::numeric_error>([&] { made.record(model, "cde", "abd"); }, "positive text 1", "layer 0 residual_out",
                                     "not finite");
  EXPECT_TRUE(made.paired());
  EXPECT_TRUE(made.mean(0, steer::side::positive).allFinite());
}

TEST_F(recorder, records_any_point_with_its_own_width) {
  struct two_headed {
    steer::model_shape sizes = toy::shape(1, 3);  // two heads of 3
    const steer::model_shape& shape() const { return sizes; }
    void evaluate(std::span<const std::int32_t> tokens, steer::hook_ref<float> hook) const {
      for (const steer::point p : steer::all_points) {
        steer::matrix<float> rows(1, sizes.width_at(p));
        rows.setConstant(static_cast<float>(tokens[0]));
        const std::vector<steer::row_info> info{{.prompt_length = 1}};
        if (hook.access({0, p}) != steer::access::none) {
          hook({0, p}, toy::view(rows, info));
        }
      }
    }
  } heads;
  heads.sizes.fingerprint = "f00d";
  for (const steer::point p : steer::all_points) {
    steer::recorder made{heads.shape(), {.tokens = steer::all_tokens{}, .point = p}};
    made.record(heads, std::vector{7}, std::vector{4});
    const steer::steering_vector v = steer::mean_difference(made, {.name = "x"});
    EXPECT_EQ(v.point, p);
    EXPECT_EQ(v.source.fingerprint, "f00d");
    EXPECT_EQ(v.width(), p == steer::point::attention_heads ? 6 : 3);
    EXPECT_TRUE(v.directions.at(0).values.isApproxToConstant(3.0F)) << to_string(p);
  }
  steer::recorder other{toy::shape(1, 3), {.tokens = steer::all_tokens{}}};
  expect_error<steer::shape_error>([&] { other.record(heads, std::vector{7}, std::vector{4}); }, "and other weights");
  heads.sizes.fingerprint.clear();
  heads.sizes.facts = {steer::row_fact::prompt_length};
  expect_error<steer::argument_error>([&] { other.record(heads, std::vector{7}, std::vector{4}); }, "position");
}

TEST_F(recorder, refuses_what_is_known_before_the_first_pass) {
  struct counting : toy::host {
    mutable int passes = 0;
    void evaluate(std::span<const std::int32_t> tokens, steer::hook_ref<float> hook) const {
      ++passes;
      toy::host::evaluate(tokens, hook);
    }
  } counted{model};
  steer::recorder made{model.shape(), {.tokens = steer::token_from_end{2}}};
  const auto refuse = [&](const std::vector<std::int32_t>& positive, const std::vector<std::int32_t>& negative, const auto&... parts) {
    expect_error<steer::argument_error>([&] { made.record(counted, positive, negative); }, parts...);
    EXPECT_EQ(counted.passes, 0);
    EXPECT_EQ(made.count(steer::side::positive), 0U);
  };
  refuse({0, 1, 2, 3}, {0, 1}, "negative text 0 (2 tokens): no token is selected by token 2 from the end; expected at least one");
  refuse({0, 1, 2, 3}, {}, "negative text 0 (0 tokens): no token is selected");
  refuse({0, 1, 2, 3}, {0, 1, -5, 2}, "negative text 0 (4 tokens): token 2 is -5; expected 0 or above");
  expect_fields<steer::argument_error>([&] { made.record(counted, std::vector{0, -1, 2}, steer::side::positive); },
                                       {.what = "recorder: positive text 0 (3 tokens)", .expected = "0 or above", .actual = "-1"});
}

TEST_F(recorder, refuses_a_host_that_leaves_out_selected_rows) {
  struct lazy : toy::host {
    void evaluate(std::span<const std::int32_t> tokens, steer::hook_ref<float> hook) const {
      toy::host::evaluate(tokens.last(1), hook);
    }
  } last_only{model};
  steer::recorder made{model.shape(), {.tokens = steer::all_tokens{}, .layers = {1}}};
  expect_fields<steer::host_error>(
      [&] { made.record(last_only, "ab", steer::side::positive); },
      {.what = "recorder: positive text 0 (3 tokens)", .layer = 1, .expected = "3", .actual = "1"});
}

TEST_F(recorder, refuses_rows_that_are_not_what_the_host_said) {
  struct liar : toy::host {
    Eigen::Index width = 3;
    bool with_facts = true;

    void evaluate(std::span<const std::int32_t> tokens, steer::hook_ref<float> hook) const {
      steer::matrix<float> shown = steer::matrix<float>::Ones(static_cast<Eigen::Index>(tokens.size()), width);
      const std::vector<steer::row_info> info(with_facts ? tokens.size() : 0);
      hook(steer::site{1, steer::point::residual_out}, toy::view(shown, info));
    }
  };
  steer::recorder made{model.shape(), {.tokens = steer::all_tokens{}, .layers = {1}}};
  for (const auto& [width, with_facts] : {std::pair(2, true), std::pair(4096, true), std::pair(3, false)}) {
    liar host{{model}, width, with_facts};
    expect_error<steer::shape_error>([&] { made.record(host, "ab", steer::side::positive); }, "recorder: layer 1",
                                     "3 rows of width " + std::to_string(width), "expected width 3 and facts of each row");
  }
  EXPECT_EQ(made.count(steer::side::positive), 0U);
}

TEST_F(recorder, keeps_and_merges_all_or_nothing) {
  STEER_NEED_ALLOCATION_COUNTS();
  steer::recorder start{model.shape(), {.tokens = steer::token_span{1}}};
  start.record(model, "ab", "c");
  steer::recorder other = start;
  other.record(model, "de", "fg");
  other.record(model, "h", steer::side::negative);
  const auto same = [](const steer::recorder& a, const steer::recorder& b) {
    bool equal = a.paired() == b.paired();
    for (const steer::side s : {steer::side::positive, steer::side::negative}) {
      equal = equal && a.count(s) == b.count(s);
      for (const int layer : {0, 1}) {
        equal = equal && a.mean(layer, s) == b.mean(layer, s) && a.texts(layer, s) == b.texts(layer, s);
      }
    }
    return equal && a.mean_row_norm(0) == b.mean_row_norm(0) && a.mean_row_norm(1) == b.mean_row_norm(1);
  };
  steer_test::expect_all_or_nothing(start, [&](steer::recorder& r) { r.record(model, "ij", "klm"); }, same);
  steer_test::expect_all_or_nothing(start, [&](steer::recorder& r) { r.record(model, "ij", steer::side::negative); }, same);
  steer_test::expect_all_or_nothing(start, [&](steer::recorder& r) { r.merge(other); }, same);
  steer_test::expect_all_or_nothing(start, [&](steer::recorder& r) { r.merge(r); }, same);
}

TEST_F(recorder, of_random_texts_in_any_company_is_the_naive_form) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto any = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    const std::vector<int> layers = any(2) == 0 ? std::vector{0, 1} : std::vector{1};
    const std::vector<steer::token_selection> selections{
        steer::all_tokens{}, steer::last_token{}, steer::token_span{1, 3}, steer::token_from_end{1},
        steer::tokens_where{[](std::int32_t id) { return id % 3 == 1; }, "every third"}, steer::last_tokens{2}};
    const auto which = static_cast<std::size_t>(any(6));
    const auto selected = [&](std::size_t i, const std::vector<std::int32_t>& text) {
      switch (which) {
        case 0: return true;
        case 1: return i + 1 == text.size();
        case 2: return i >= 1 && i <= 3;
        case 3: return i + 2 == text.size();
        case 4: return text[i] % 3 == 1;
        default: return i + 2 >= text.size();
      }
    };
    const auto random_text = [&] {
      std::vector<std::int32_t> out{0, 1};  // any of the selections takes a token of it, wherever the 1 stands
      for (int extra = any(7); extra > 0; --extra) {
        out.push_back(any(27));
      }
      return out;
    };
    // What is recorded, in this order; parts go to recorders of their own and are merged.
    std::vector<steer::recorder> parts(1 + static_cast<std::size_t>(any(3)),
                                       steer::recorder{model.shape(), {.tokens = selections[which], .layers = layers}});
    std::array<std::vector<std::vector<std::int32_t>>, 2> texts;
    std::size_t single = 0;
    for (steer::recorder& part : parts) {
      for (int i = 1 + any(3); i > 0; --i) {
        texts[0].push_back(random_text());
        if (any(4) != 0) {
          texts[1].push_back(any(4) == 0 && texts[1].size() > 0 ? texts[1].back() : random_text());
          part.record(model, texts[0].back(), texts[1].back());
          continue;
        }
        ++single;
        part.record(model, texts[0].back(), steer::side::positive);
        if (any(2) == 0) {
          texts[1].push_back(random_text());
          part.record(model, texts[1].back(), steer::side::negative);
        }
      }
    }
    for (std::size_t i = 1; i < parts.size(); ++i) {
      parts[0].merge(parts[i]);
    }
    const steer::recorder& made = parts[0];
    EXPECT_EQ(made.paired(), single == 0);
    for (const int layer : layers) {
      double norms = 0.0;
      int counted = 0;
      for (const steer::side s : {steer::side::positive, steer::side::negative}) {
        const auto& side_texts = texts[static_cast<std::size_t>(s)];
        ASSERT_EQ(made.count(s), side_texts.size());
        Eigen::VectorXd total = Eigen::VectorXd::Zero(3);
        for (std::size_t t = 0; t < side_texts.size(); ++t) {
          Eigen::VectorXd sum = Eigen::VectorXd::Zero(3);
          int taken = 0;
          for (std::size_t i = 0; i < side_texts[t].size(); ++i) {
            norms += i > 0 ? token(side_texts[t][i], layer).norm() : 0.0;
            counted += i > 0 ? 1 : 0;
            if (selected(i, side_texts[t])) {
              sum += token(side_texts[t][i], layer);
              ++taken;
            }
          }
          total += sum / taken;
          EXPECT_LE((made.texts(layer, s).row(static_cast<Eigen::Index>(t)).transpose() - (sum / taken).cast<float>()).norm(), 1e-5);
        }
        if (!side_texts.empty()) {
          EXPECT_LE((made.mean(layer, s) - total / static_cast<double>(side_texts.size())).norm(), 1e-12);
        }
      }
      EXPECT_NEAR(*made.mean_row_norm(layer), norms / counted, 1e-12);
    }
  }
}

TEST_F(recorder, throws_what_a_predicate_throws_and_goes_on) {
  steer::recorder made{model.shape(), {.tokens = steer::tokens_where{[](std::int32_t id) {
    return id == 9 ? throw std::out_of_range("nine") : id > 0;
  }}}};
  EXPECT_THROW(made.record(model, "ab", "hij"), std::out_of_range);
  EXPECT_EQ(made.count(steer::side::positive), 0U);
  made.record(model, "ab", "cd");
  EXPECT_EQ(made.count(steer::side::positive), 1U);
}

TEST_F(recorder, refuses_questions_it_cannot_answer) {
  const steer::recorder made{model.shape(), {.layers = {1}}};
  expect_error<steer::numeric_error>([&] { static_cast<void>(made.mean(1, steer::side::negative)); }, "no negative text");
  expect_error<steer::shape_error>([&] { static_cast<void>(made.mean(0, steer::side::positive)); }, "layer 0 is not recorded");
  expect_error<steer::shape_error>([&] { static_cast<void>(made.texts(9, steer::side::positive)); }, "layer 9 is not recorded");
  expect_error<steer::shape_error>([&] { static_cast<void>(made.mean_row_norm(9)); }, "layer 9 is not recorded");
}

TEST_F(recorder, refuses_what_the_host_does_not_have) {
  expect_error<steer::shape_error>([&] { steer::recorder(model.shape(), {.layers = {2}}); }, "recorder", "layer 2");
  expect_error<steer::argument_error>([&] { steer::recorder(model.shape(), {.layers = {1, 1}}); }, "layer 1 is named twice");
  expect_error<steer::argument_error>([&] { steer::recorder(model.shape(), {.tokens = steer::tokens_where{}}); }, "predicate");
  steer::model_shape blind = model.shape();
  blind.facts = {steer::row_fact::position};
  expect_error<steer::argument_error>([&] { steer::recorder{blind}; }, "prompt length");
  blind = model.shape();
  blind.points = {steer::point::mlp_out};
  expect_error<steer::shape_error>([&] { steer::recorder{blind}; }, "does not show residual_out");
  steer::recorder made{toy::shape(5, 3)};
  expect_error<steer::shape_error>([&] { made.record(model, "a", "b"); }, "5 layers of width 3", "2 layers of width 3");
  steer::recorder heads{model.shape(), {.point = steer::point::attention_heads}};
  model.model.heads = 1;
  expect_error<steer::shape_error>([&] { heads.record(model, "a", "b"); }, "width 6 at attention_heads", "layers of width 3");
}

}  // namespace
