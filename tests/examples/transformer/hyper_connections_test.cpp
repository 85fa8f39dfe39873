#include "transformer/hyper_connections.hpp"

#include <gtest/gtest.h>

#include "examples/transformer/naive_forward.hpp"
#include "examples/transformer/tiny_model.hpp"
#include "expect_error.hpp"
#include "steer/extract/recorder.hpp"
#include "steer/fit/fit_to_prompt.hpp"
#include "steer/inject/plan.hpp"
#include "steer/measure/norm_ratios.hpp"
#include "transformer/decoder.hpp"
#include "transformer/load.hpp"

namespace {

using namespace transformer_test;
using reference::decoder;
using reference::row;
using steer::point;
using token_list = std::vector<std::int32_t>;

TEST(hyper_connections, equal_the_plain_loops_in_double_precision) {
  for (const int streams : {2, 3, 4, 7}) {
    SCOPED_TRACE(streams);
    reference::config c = tiny_config_of_streams(streams);
    c.sinkhorn_iterations = streams;
    const auto model = tiny_model(static_cast<std::uint64_t>(streams), c);
    const token_list tokens = random_tokens(3, 17, c.vocabulary);
    decoder d(model);
    const matrix logits = d.decode(prompt_rows(tokens));
    const auto expected = naive_forward(*model, tokens);
    for (extent t = 0; t < logits.rows(); ++t) {
      for (extent v = 0; v < logits.cols(); ++v) {
        ASSERT_NEAR(static_cast<double>(logits(t, v)), expected[static_cast<std::size_t>(t)][static_cast<std::size_t>(v)], 4e-5);
      }
    }
  }
}

TEST(hyper_connections, give_the_same_bits_however_a_prompt_is_cut_and_beside_another_sequence) {
  const auto model = tiny_model(8, tiny_config_of_streams(4));
  const token_list tokens = random_tokens(9, 12, model->sizes().vocabulary);
  decoder whole(model);
  const matrix expected = whole.decode(prompt_rows(tokens));
  decoder cut(model, {.sequences = 2});
  const std::vector<row> rows = prompt_rows(tokens, 1);
  const std::vector<row> others = prompt_rows({1, 2, 3});
  for (std::size_t t = 0; t < rows.size(); ++t) {
    std::vector<row> batch;
    if (t < others.size()) {
      batch.push_back(others[t]);
    }
    batch.push_back(rows[t]);
    EXPECT_EQ(matrix(cut.decode(batch).bottomRows(1)), matrix(expected.row(static_cast<extent>(t))));
  }
}

TEST(hyper_connections, show_hooks_every_stream_of_every_token_once_and_tokens_at_the_writer_points) {
  const reference::config c = tiny_config_of_streams(3);
  const auto model = tiny_model(10, c);
  EXPECT_EQ(model->shape().streams, 3);
  decoder d(model, {.sequences = 2});
  recording_hook hook;
  std::vector<row> rows = prompt_rows({7, 8}, 1);
  rows.push_back(prompt_rows({5, 6}, 0)[0]);
  d.decode(rows, hook);
  ASSERT_EQ(hook.calls.size(), steer::point_count * static_cast<std::size_t>(c.layers));
  for (const recording_hook::call& call : hook.calls) {
    const auto streams = static_cast<std::size_t>(model->shape().streams_at(call.where.point));
    const bool is_residual = call.where.point == point::residual_in || call.where.point == point::residual_out;
    EXPECT_EQ(streams, is_residual ? 3U : 1U);
    ASSERT_EQ(call.info.size(), 3 * streams);
    EXPECT_EQ(call.values.rows(), static_cast<extent>(3 * streams));
    for (std::size_t i = 0; i < call.info.size(); ++i) {
      EXPECT_EQ(call.info[i].token, rows[i / streams].token);
      EXPECT_EQ(call.info[i].sequence, rows[i / streams].sequence);
      EXPECT_EQ(call.info[i].position, i / streams == 1 ? 1 : 0);
      EXPECT_EQ(call.info[i].stream, i % streams);
    }
  }
}

/// H_t = post_t y + Σ_s comb_st H_s with doubly stochastic comb: over all streams Σ_t H_t = (Σ_t post_t) y + Σ_s H_s.
TEST(hyper_connections, keep_the_sum_of_the_streams_but_for_what_is_written) {
  reference::config c = tiny_config_of_streams(4);
  c.sinkhorn_iterations = 200;
  c.stream_epsilon = 0.0F;
  const auto model = tiny_model(11, c);
  decoder d(model);
  recording_hook hook;
  d.decode(prompt_rows({1, 2, 3}), hook);
  for (std::size_t layer = 0; layer < 3; ++layer) {
    const auto* call = &hook.calls[5 * layer];
    for (extent t = 0; t < 3; ++t) {
      matrix moved = call[4].values.middleRows(4 * t, 4).colwise().sum() - call[0].values.middleRows(4 * t, 4).colwise().sum();
      for (const std::size_t writer : {2U, 3U}) {  // what is left lies in the span of what the two sub-blocks wrote
        const matrix y = call[writer].values.row(t);
        matrix other = call[5 - writer].values.row(t);
        other -= other.cwiseProduct(y).sum() / y.squaredNorm() * y;
        moved -= moved.cwiseProduct(other).sum() / other.squaredNorm() * other;
        moved -= moved.cwiseProduct(y).sum() / y.squaredNorm() * y;
      }
      EXPECT_LT(moved.cwiseAbs().maxCoeff(), 1e-4F) << "layer " << layer;
    }
  }
}

/// Two streams that are read by halves and written alike: what a plain Llama does, in twice as many rows.
class two_alike : public testing::Test {
 protected:
  std::shared_ptr<const reference::model> plain = tiny_model(12);
  std::shared_ptr<const reference::model> model;

  two_alike() {
    reference::config c = tiny_config_of_streams(2);
    c.stream_epsilon = 0.0F;
    reference::weights w = plain->parameters();
    const auto neutral = [&](reference::stream_weights& s, extent rows, extent scales) {
      s.mix = matrix::Zero(rows, 2 * c.width);
      s.base = reference::vector::Zero(rows);  // sigmoid(0) of each is read, 2 sigmoid(0) written
      s.scale = reference::vector::Zero(scales);
    };
    for (auto& layer : w.layers) {
      neutral(layer.attention_streams, 8, 3);
      neutral(layer.mlp_streams, 8, 3);
    }
    neutral(w.final_streams, 2, 1);
    model = std::make_shared<const reference::model>(c, w, "two alike");
  }

  static steer::recorder recorded(const std::shared_ptr<const reference::model>& of, steer::recorder_options options) {
    decoder d(of);
    steer::recorder out(of->shape(), std::move(options));
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      out.record(d, std::span<const std::int32_t>(random_tokens(seed, 9, 41)), std::span<const std::int32_t>(random_tokens(seed + 9, 7, 41)));
    }
    return out;
  }
};

TEST_F(two_alike, are_a_plain_llama) {
  decoder a(plain);
  decoder b(model);
  const matrix expected = a.decode(prompt_rows({4, 5, 6, 7}));
  EXPECT_LT((matrix(b.decode(prompt_rows({4, 5, 6, 7}))) - expected).cwiseAbs().maxCoeff(), 1e-5F);
}

TEST_F(two_alike, are_recorded_as_one) {
  for (const point at : {point::residual_in, point::residual_out, point::mlp_out}) {
    const steer::recorder one = recorded(plain, {.tokens = steer::token_span{0}, .point = at});
    const steer::recorder two = recorded(model, {.tokens = steer::token_span{0}, .point = at});
    for (int layer = 0; layer < 3; ++layer) {
      EXPECT_LT((one.mean(layer, steer::side::positive) - two.mean(layer, steer::side::positive)).norm(), 1e-5);
      EXPECT_NEAR(*one.mean_row_norm(layer), *two.mean_row_norm(layer), 1e-4) << "as many tokens, of the same norm";
    }
  }
}

TEST_F(two_alike, are_recorded_one_by_one_where_one_is_named) {
  const auto uneven = tiny_model(3, tiny_config_of_streams(2));
  std::vector<steer::recorder> each;
  for (const int stream : {0, 1}) {
    each.push_back(recorded(uneven, {.stream = stream}));
  }
  const steer::recorder mean = recorded(uneven, {});
  for (int layer = 0; layer < 3; ++layer) {
    const Eigen::VectorXd half = 0.5 * (each[0].mean(layer, steer::side::negative) + each[1].mean(layer, steer::side::negative));
    EXPECT_LT((half - mean.mean(layer, steer::side::negative)).norm(), 1e-5);
    EXPECT_GT((each[0].mean(layer, steer::side::negative) - each[1].mean(layer, steer::side::negative)).norm(), 1e-2);
  }
  expect_error<steer::argument_error>([&] { each[0].merge(each[1]); }, "stream 1", "stream 0");
  expect_error<steer::shape_error>([&] { recorded(plain, {.stream = 0}); }, "recorder: stream 0 does not exist", "one row a token");
  expect_error<steer::shape_error>([&] { recorded(uneven, {.stream = 2}); }, "recorder: stream 2 does not exist", "streams 0 to 1");
  expect_error<steer::shape_error>([&] { recorded(uneven, {.point = point::mlp_out, .stream = 0}); }, "one row a token at mlp_out");
}

TEST_F(two_alike, are_fitted_and_measured_as_one) {
  std::vector<steer::answered_request> requests;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    requests.push_back({random_tokens(seed, 6, 41), random_tokens(seed + 20, 3, 41), random_tokens(seed + 40, 4, 41)});
  }
  decoder a(plain);
  decoder b(model);
  for (const steer::fit_kind kind : {steer::fit_kind::constant, steer::fit_kind::gated, steer::fit_kind::affine}) {
    const steer::prompt_fit one = steer::fit_to_prompt(a, requests, "x", {.layer = {.kind = kind}});
    const steer::prompt_fit two = steer::fit_to_prompt(b, requests, "x", {.layer = {.kind = kind}});
    EXPECT_EQ(one.rows, two.rows);
    const steer::plan plan_one(one.recipe, plain->shape());
    const steer::plan plan_two(two.recipe, model->shape());
    a.clear(0);
    b.clear(0);
    const matrix expected = a.decode(prompt_rows({4, 5, 6, 7}), plan_one);
    EXPECT_LT((matrix(b.decode(prompt_rows({4, 5, 6, 7}), plan_two)) - expected).cwiseAbs().maxCoeff(), 2e-3F) << to_string(kind);
    const steer::hook_ref<float> hook_one(plan_one);
    const steer::hook_ref<float> hook_two(plan_two);
    const auto ratios_one = steer::measure_norm_ratios(a, requests, std::span(&hook_one, 1));
    const auto ratios_two = steer::measure_norm_ratios(b, requests, std::span(&hook_two, 1));
    for (const auto& [layer, expected_ratios] : ratios_one[0]) {
      const std::vector<double>& found = ratios_two[0].at(layer);
      ASSERT_EQ(found.size(), expected_ratios.size());
      for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_NEAR(found[i], expected_ratios[i], 2e-3);
      }
    }
  }
}

TEST(hyper_connections, files_say_how_many_streams_there_are) {
  const reference::config c = tiny_config_of_streams(4);
  const reference::weights w = random_weights(c, 13);
  const scratch_file file(".safetensors");
  auto parts = huggingface(c, w);
  parts.write(file.path());
  const auto model = reference::load_model(file.path());
  EXPECT_EQ(model->sizes(), c);
  EXPECT_EQ(model->shape().fingerprint, reference::model(c, w, "other").shape().fingerprint);
  parts.metadata["residual_streams"] = "3";
  parts.write(file.path());
  expect_error<steer::format_error>([&] { reference::load_model(file.path()); }, "attn_hc.fn", "[24, 72]", "expected [15, 54]");
  parts.metadata["residual_streams"] = "65";
  parts.write(file.path());
  expect_error<steer::format_error>([&] { reference::load_model(file.path()); }, "streams is 65, expected 1 to 64");
  parts.metadata["residual_streams"] = "4";
  parts.metadata["sinkhorn_iterations"] = "0";
  parts.write(file.path());
  expect_error<steer::format_error>([&] { reference::load_model(file.path()); }, "sinkhorn_iterations is 0, expected 1 to");
}

TEST(hyper_connections, what_is_added_to_all_streams_alike_the_next_layer_receives) {
  const auto model = tiny_model(14, tiny_config_of_streams(4));
  const Eigen::RowVectorXf delta = Eigen::RowVectorXf::LinSpaced(18, 0.0F, 1.0F);
  decoder a(model);
  decoder b(model);
  EXPECT_EQ(matrix(a.decode(prompt_rows({5, 6, 7}), adding_hook{{0, point::residual_out}, delta})),
            matrix(b.decode(prompt_rows({5, 6, 7}), adding_hook{{1, point::residual_in}, delta})));
}

}  // namespace
