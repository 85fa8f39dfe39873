#include "transformer/decoder.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "examples/transformer/naive_forward.hpp"
#include "examples/transformer/tiny_model.hpp"
#include "expect_error.hpp"
#include "steer/core/chain.hpp"
#include "steer/core/hook_ref.hpp"
#include "steer/inject/plan.hpp"

namespace {

using namespace transformer_test;
using reference::decoder;
using reference::output;
using reference::row;
using steer::phase;

using token_list = std::vector<std::int32_t>;

/// Logits of every token of a prompt that is decoded whole.
matrix whole(const std::shared_ptr<const reference::model>& model, const token_list& tokens) {
  decoder d(model);
  return d.decode(prompt_rows(tokens));
}

TEST(decoder, equals_the_plain_loops_in_double_precision) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    reference::config c = tiny_config(seed % 2 == 0);
    c.kv_heads = seed % 3 == 0 ? 3 : 1;
    c.head_width = seed % 3 == 1 ? 10 : 6;  // heads that do not fill the residual
    const auto model = tiny_model(seed, c);
    const token_list tokens = random_tokens(seed, 17, c.vocabulary);
    const matrix logits = whole(model, tokens);
    const auto expected = naive_forward(*model, tokens);
    for (extent t = 0; t < logits.rows(); ++t) {
      for (extent v = 0; v < logits.cols(); ++v) {
        ASSERT_NEAR(static_cast<double>(logits(t, v)), expected[static_cast<std::size_t>(t)][static_cast<std::size_t>(v)], 2e-5);
      }
    }
  }
}

TEST(decoder, gives_the_logits_of_many_texts_each_as_if_it_were_alone) {
  const auto model = tiny_model(5);
  std::vector<token_list> texts;
  for (const int length : {3, 9, 1, 20, 4, 4, 12}) {
    texts.push_back(random_tokens(static_cast<std::uint64_t>(length + 7), length, model->sizes().vocabulary));
  }
  for (const auto& options : {reference::decoder_options{}, reference::decoder_options{.sequences = 3, .max_rows = 13}}) {
    decoder d(model, options);
    d.decode(prompt_rows(texts[0]));  // what was there before leaves no trace
    steer::no_hook none;
    std::vector<std::size_t> seen;
    d.logits(texts, none, [&](std::size_t text, steer::logits_view logits) {
      seen.push_back(text);
      EXPECT_EQ(matrix(logits), whole(model, texts[text])) << "text " << text;
    });
    EXPECT_EQ(seen, (std::vector<std::size_t>{0, 1, 2, 3, 4, 5, 6}));
  }
}

TEST(decoder, gives_the_same_bits_however_a_prompt_is_cut) {
  for (std::uint64_t seed = 10; seed < 14; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto model = tiny_model(seed);
    const token_list tokens = random_tokens(seed, 20, model->sizes().vocabulary);
    const matrix expected = whole(model, tokens);
    const std::vector<row> rows = prompt_rows(tokens);
    for (const std::size_t size : {1U, 3U, 7U, 19U}) {
      decoder d(model);
      matrix chunks(expected.rows(), expected.cols());
      for (std::size_t first = 0; first < rows.size(); first += size) {
        const std::size_t count = std::min(size, rows.size() - first);
        chunks.middleRows(static_cast<extent>(first), static_cast<extent>(count)) =
            d.decode(std::span(rows).subspan(first, count));
      }
      EXPECT_EQ(chunks, expected) << "chunks of " << size;
    }
    decoder small(model, {.max_rows = 6});
    EXPECT_EQ(matrix(small.prompt(0, tokens)), matrix(expected.bottomRows(1)));
  }
}

TEST(decoder, gives_the_same_bits_beside_another_sequence) {
  const auto model = tiny_model(20);
  const token_list a = random_tokens(21, 12, model->sizes().vocabulary);
  const token_list b = random_tokens(22, 12, model->sizes().vocabulary);
  const std::vector<row> rows_a = prompt_rows(a, 0);
  const std::vector<row> rows_b = prompt_rows(b, 1);
  std::vector<row> both;
  for (std::size_t t = 0; t < a.size(); ++t) {
    both.push_back(rows_a[t]);
    both.push_back(rows_b[t]);
  }
  decoder d(model, {.sequences = 2});
  const matrix logits = d.decode(both);
  const matrix only_a = whole(model, a);
  const matrix only_b = whole(model, b);
  for (extent t = 0; t < only_a.rows(); ++t) {
    EXPECT_EQ(matrix(logits.row(2 * t)), matrix(only_a.row(t)));
    EXPECT_EQ(matrix(logits.row(2 * t + 1)), matrix(only_b.row(t)));
  }
}

TEST(decoder, mixes_prompts_and_generation_in_one_batch) {
  const auto model = tiny_model(23);
  const token_list a = random_tokens(24, 9, model->sizes().vocabulary);
  const token_list b = random_tokens(25, 5, model->sizes().vocabulary);
  decoder d(model, {.sequences = 2});
  std::vector<row> rows = prompt_rows({a.begin(), a.begin() + 6}, 0);
  d.decode(rows);
  rows = prompt_rows(b, 1);
  for (std::size_t t = 6; t < a.size(); ++t) {
    rows.push_back({a[t], 0, phase::generation, 6, t == 8 ? output::logits : output::none});
  }
  const matrix logits = d.decode(rows);
  EXPECT_EQ(logits.rows(), 6);
  EXPECT_EQ(matrix(logits.topRows(5)), whole(model, b));
  EXPECT_EQ(matrix(logits.bottomRows(1)), matrix(whole(model, a).bottomRows(1)));
  EXPECT_EQ(d.length(0), 9);
  EXPECT_EQ(d.length(1), 5);
}

TEST(decoder, steering_one_sequence_leaves_the_other_bit_identical) {
  const auto model = tiny_model(26);
  std::vector<row> rows = prompt_rows(random_tokens(27, 8, model->sizes().vocabulary), 0);
  const std::vector<row> other = prompt_rows(random_tokens(28, 8, model->sizes().vocabulary), 1);
  rows.insert(rows.end(), other.begin(), other.end());
  const adding_hook hook{{1, steer::point::residual_out}, Eigen::RowVectorXf::Ones(model->sizes().width), 0};
  decoder plain(model, {.sequences = 2});
  decoder steered(model, {.sequences = 2});
  const matrix before = plain.decode(rows);
  const matrix after = steered.decode(rows, hook);
  EXPECT_NE(matrix(before.topRows(8)), matrix(after.topRows(8)));
  EXPECT_EQ(matrix(before.bottomRows(8)), matrix(after.bottomRows(8)));
}

TEST(decoder, forgets_a_sequence) {
  const auto model = tiny_model(30);
  const token_list tokens = random_tokens(31, 8, model->sizes().vocabulary);
  decoder d(model);
  const matrix first = d.decode(prompt_rows(tokens));
  d.clear(0);
  EXPECT_EQ(d.length(0), 0);
  d.decode(prompt_rows(random_tokens(32, 20, model->sizes().vocabulary)));
  d.clear(0);
  EXPECT_EQ(matrix(d.decode(prompt_rows(tokens))), first);
}

TEST(decoder, one_model_serves_many_threads) {
  const auto model = tiny_model(35);
  const token_list tokens = random_tokens(36, 15, model->sizes().vocabulary);
  const matrix expected = whole(model, tokens);
  std::vector<matrix> results(3);
  std::vector<std::thread> threads;
  for (matrix& result : results) {
    threads.emplace_back([&] { result = whole(model, tokens); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (const matrix& result : results) {
    EXPECT_EQ(result, expected);
  }
}

TEST(decoder, returns_logits_only_of_rows_that_want_them) {
  const auto model = tiny_model(33);
  const token_list tokens = random_tokens(34, 6, model->sizes().vocabulary);
  std::vector<row> rows = prompt_rows(tokens);
  for (const std::size_t t : {0U, 2U, 3U, 5U}) {
    rows[t].want = output::none;
  }
  decoder d(model);
  const matrix logits = d.decode(rows);
  const matrix all = whole(model, tokens);
  ASSERT_EQ(logits.rows(), 2);
  EXPECT_EQ(matrix(logits.row(0)), matrix(all.row(1)));
  EXPECT_EQ(matrix(logits.row(1)), matrix(all.row(4)));
  EXPECT_EQ(d.decode({}).rows(), 0);
}

TEST(decoder_hooks, are_called_at_every_point_in_order_with_widths_and_facts) {
  reference::config c = tiny_config();
  c.head_width = 4;  // heads are 12 wide, the residual 18
  const auto model = tiny_model(40, c);
  const token_list tokens = random_tokens(41, 5, c.vocabulary);
  decoder d(model, {.sequences = 3});
  const std::vector<row> prompt = prompt_rows(tokens, 2);
  d.decode(std::span(prompt).first(3));
  recording_hook hook;
  std::vector<row> rows = prompt_rows({7, 8}, 1);
  rows.push_back(prompt[3]);
  d.decode(rows, hook);
  ASSERT_EQ(hook.calls.size(), steer::point_count * static_cast<std::size_t>(c.layers));
  for (std::size_t n = 0; n < hook.calls.size(); ++n) {
    const recording_hook::call& call = hook.calls[n];
    EXPECT_EQ(call.where, (steer::site{static_cast<int>(n / 5), steer::all_points[n % 5]}));
    EXPECT_EQ(call.values.cols(), model->shape().width_at(call.where.point));
    EXPECT_EQ(call.values.cols(), call.where.point == steer::point::attention_heads ? 12 : 18);
    ASSERT_EQ(call.info.size(), 3U);
    EXPECT_EQ(call.info[1].token, 8);
    EXPECT_EQ(call.info[1].position, 1);
    EXPECT_EQ(call.info[1].sequence, 1);
    EXPECT_EQ(call.info[1].prompt_length, 2);
    EXPECT_EQ(call.info[2].token, tokens[3]);
    EXPECT_EQ(call.info[2].position, 3);
    EXPECT_EQ(call.info[2].sequence, 2);
    EXPECT_EQ(call.info[2].prompt_length, 5);
    EXPECT_EQ(call.info[2].phase, phase::prompt);
  }
}

TEST(decoder_hooks, see_a_residual_that_is_the_sum_of_its_branches) {
  const auto model = tiny_model(42);
  recording_hook hook;
  decoder d(model);
  d.decode(prompt_rows({1, 2, 3}), hook);
  for (std::size_t layer = 0; layer < 3; ++layer) {
    const auto* call = &hook.calls[5 * layer];
    EXPECT_LT((call[0].values + call[2].values + call[3].values - call[4].values).cwiseAbs().maxCoeff(), 1e-5F);
    EXPECT_LT((call[1].values * model->parameters().layers[layer].attention_output.transpose() - call[2].values)
                  .cwiseAbs().maxCoeff(), 1e-5F);
    if (layer > 0) {
      EXPECT_EQ(call[0].values, call[-1].values);
    }
  }
}

TEST(decoder_hooks, reading_leaves_logits_bit_identical_and_writing_changes_them) {
  const auto model = tiny_model(43);
  const token_list tokens = random_tokens(44, 6, model->sizes().vocabulary);
  const matrix expected = whole(model, tokens);
  recording_hook recorder;
  decoder reading(model);
  EXPECT_EQ(matrix(reading.decode(prompt_rows(tokens), steer::hook_ref<float>(recorder))), expected);
  for (int layer = 0; layer < 3; ++layer) {
    for (const steer::point p : steer::all_points) {
      const extent width = model->shape().width_at(p);
      const adding_hook zero{{layer, p}, Eigen::RowVectorXf::Zero(width)};
      const adding_hook one{{layer, p}, Eigen::RowVectorXf::LinSpaced(width, -1.0F, 1.0F)};
      decoder a(model);
      decoder b(model);
      EXPECT_EQ(matrix(a.decode(prompt_rows(tokens), zero)), expected) << to_string(steer::site{layer, p});
      const matrix written = b.decode(prompt_rows(tokens), one);
      for (extent t = 0; t < written.rows(); ++t) {
        EXPECT_GT((written.row(t) - expected.row(t)).cwiseAbs().maxCoeff(), 1e-3F) << to_string(steer::site{layer, p});
      }
    }
  }
}

TEST(decoder_hooks, what_one_writes_to_a_residual_the_next_layer_receives) {
  const auto model = tiny_model(45);
  const Eigen::RowVectorXf delta = Eigen::RowVectorXf::LinSpaced(18, 0.0F, 1.0F);
  decoder a(model);
  decoder b(model);
  const matrix out = a.decode(prompt_rows({5, 6, 7}), adding_hook{{0, steer::point::residual_out}, delta});
  const matrix in = b.decode(prompt_rows({5, 6, 7}), adding_hook{{1, steer::point::residual_in}, delta});
  EXPECT_EQ(out, in);
}

TEST(decoder_errors, are_thrown_before_anything_is_computed) {
  const auto model = tiny_model(50);
  decoder d(model, {.sequences = 2, .max_rows = 8, .context = 6});
  d.decode(prompt_rows({1, 2}));
  recording_hook hook;
  const auto refuse = [&](std::vector<row> rows, const auto&... parts) {
    expect_error<steer::argument_error>([&] { d.decode(rows, hook); }, parts...);
  };
  const row good{3, 0, phase::generation, 2, output::none};
  refuse({good, {41, 0, phase::generation, 2, output::none}}, "row 1", "token is 41", "0 to 40");
  refuse({{-1, 0, phase::generation, 2, output::none}}, "row 0", "token is -1");
  refuse({good, {3, 2, phase::prompt, 2, output::none}}, "row 1", "sequence is 2", "0 to 1");
  refuse({{3, -1, phase::prompt, 2, output::none}}, "sequence is -1");
  refuse({good, good, good, good, good}, "row 4", "context of sequence 0 is full", "6 tokens");
  refuse(std::vector<row>(9, good), "9 rows", "at most 8");
  refuse({{3, 0, phase::prompt, 2, output::none}}, "position 2", "called prompt", "has 2 tokens");
  refuse({{3, 1, phase::generation, 1, output::none}}, "position 0", "called generation", "has 1 tokens");
  expect_error<steer::argument_error>([&] { d.prompt(0, token_list{1}, hook); }, "sequence 0 holds 2 tokens");
  expect_error<steer::argument_error>([&] { d.prompt(1, token_list{}, hook); }, "has 0 tokens", "1 to 6");
  expect_error<steer::argument_error>([&] { d.prompt(1, token_list(7, 1), hook); }, "has 7 tokens", "1 to 6");
  expect_error<steer::argument_error>([&] { d.prompt(1, token_list{1, 2, 41}, hook); }, "position 2", "token is 41");
  expect_error<steer::argument_error>([&] { d.prompt(2, token_list{1}, hook); }, "sequence is 2");
  expect_error<steer::argument_error>([&] { d.clear(2); }, "sequence is 2", "0 to 1");
  expect_error<steer::argument_error>([&] { static_cast<void>(d.length(-1)); }, "sequence is -1");
  EXPECT_TRUE(hook.calls.empty());
  EXPECT_EQ(d.length(0), 2);
  EXPECT_EQ(d.length(1), 0);
  EXPECT_EQ(matrix(d.decode(std::vector<row>{{3, 0, phase::generation, 2, output::logits}})),
            matrix(whole(model, {1, 2, 3}).bottomRows(1)));
}

TEST(decoder_errors, hooks_made_for_another_model_are_refused_before_anything_is_computed) {
  const auto model = tiny_model(52);
  decoder d(model, {.sequences = 2});
  d.decode(prompt_rows({1, 2}));
  steer::model_shape other = model->shape();
  other.width = 64;
  other.fingerprint = "another";
  const steer::steering_vector v{.name = "wide", .directions = {{1, {.values = Eigen::VectorXf::Ones(64)}}}};
  const steer::plan wide(steer::recipe{}.add(v, {.unit = steer::strength_unit::raw}), other);
  const steer::plan off;
  const steer::chain both(off, wide);
  const auto refuse = [&](auto&& act) {
    expect_error<steer::shape_error>(act, "layer 1 residual_out with width 64", "has width 18 there");
    EXPECT_EQ(d.length(0), 2);
  };
  refuse([&] { d.decode(prompt_rows({1}), wide); });
  refuse([&] { d.decode(prompt_rows({1}), both); });
  refuse([&] { d.prompt(1, token_list{1, 2}, wide); });
  refuse([&] { d.evaluate(token_list{1, 2}, wide); });
  refuse([&] { d.logits(std::vector<token_list>{{1, 2}}, wide, [](std::size_t, steer::logits_view) {}); });
  EXPECT_EQ(matrix(d.decode(std::vector<row>{{3, 0, phase::generation, 2, output::logits}}, off)),
            matrix(whole(model, {1, 2, 3}).bottomRows(1)));
}

TEST(decoder_errors, options_without_meaning_are_refused) {
  const auto model = tiny_model(51);
  const auto refuse = [&](reference::decoder_options options, const auto&... parts) {
    expect_error<steer::argument_error>([&] { decoder d(model, options); }, parts...);
  };
  refuse({.sequences = 0}, "sequences is 0", "at least 1");
  refuse({.sequences = 4, .max_rows = 3}, "max_rows is 3", "sequences, 4");
  refuse({.context = 25}, "context is 25", "model's 24");
  refuse({.context = -1}, "context is -1");
  expect_error<steer::argument_error>([] { decoder d(nullptr); }, "no model");
}

}  // namespace
