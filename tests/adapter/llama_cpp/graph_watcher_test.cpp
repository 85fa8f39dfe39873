// What hooks see and write in models with several residual streams: DeepSeek-V4's graph as llama.cpp builds it, with random weights.
#include "steer/adapter/llama_cpp.hpp"

#include <gtest/gtest.h>

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "adapter/llama_cpp/deepseek_model.hpp"
#include "expect_error.hpp"
#include "steer/adapter/llama_cpp/probe_model.hpp"
#include "steer/extract/recorder.hpp"
#include "steer/inject/plan.hpp"
#include "steer/inject/routes.hpp"
#include "steer/recipe/recipe.hpp"
#include "toy.hpp"

namespace {

using steer::llama_cpp_path;
using steer::point;
using steer::site;
using output = steer::token_batch::output;
using tiny_model::tokens;
using token_list = std::vector<std::int32_t>;

constexpr float close = 1e-4F;

llama_context_params parameters(bool one_cache = true) {
  llama_context_params out = llama_context_default_params();
  out.n_ctx = 1024;
  out.n_batch = 128;
  out.n_ubatch = 16;
  out.n_seq_max = 4;
  out.kv_unified = one_cache;
  out.n_threads = 1;
  out.n_threads_batch = 1;
  out.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;  // that and half a cache entry would round what is compared
  out.type_k = GGML_TYPE_F32;
  out.type_v = GGML_TYPE_F32;
  return out;
}

/// All logits of one text.
steer::matrix<float> logits_of(steer::llama_cpp_host& host, const token_list& text) {
  host.begin(0, static_cast<std::int32_t>(text.size()));
  steer::token_batch batch;
  for (std::size_t i = 0; i < text.size(); ++i) {
    batch.add(text[i], static_cast<llama_pos>(i), 0, output::logits);
  }
  host.decode(batch.view());
  steer::matrix<float> out(static_cast<Eigen::Index>(text.size()), tiny_model::vocabulary);
  for (Eigen::Index i = 0; i < out.rows(); ++i) {
    const auto row = host.logits(static_cast<std::int32_t>(i));
    std::copy(row.begin(), row.end(), out.row(i).data());
  }
  return out;
}

float largest(const steer::matrix<float>& numbers) { return numbers.cwiseAbs().maxCoeff(); }

struct seen_row {
  steer::row_info info;
  Eigen::RowVectorXf values;
};

/// Keeps every row, by site.
struct witness {
  std::map<site, std::vector<seen_row>> seen;

  [[nodiscard]] steer::access access(site) const noexcept { return steer::access::read; }
  void operator()(site where, steer::rows<float> rows) noexcept {
    for (std::ptrdiff_t i = 0; i < rows.count; ++i) {
      seen[where].push_back({rows.info_of(i), Eigen::Map<const Eigen::RowVectorXf>(rows[i].data(), rows.width)});
    }
  }
};

/// Adds to rows what a function says.
template <class Say>
struct adder {
  site where;
  Say say;

  [[nodiscard]] steer::access access(site here) const noexcept { return here == where ? steer::access::write : steer::access::none; }
  void operator()(site, steer::rows<float> rows) const noexcept {
    for (std::ptrdiff_t i = 0; i < rows.count; ++i) {
      Eigen::Map<Eigen::RowVectorXf>(rows[i].data(), rows.width) += say(rows.info_of(i));
    }
  }
};
template <class Say>
adder(site, Say) -> adder<Say>;

class deepseek : public testing::TestWithParam<deepseek_model::sizes> {
 protected:
  tiny_model::pointer model = deepseek_model::make(GetParam());
  token_list text = tokens(4, 37);
};

TEST_P(deepseek, shows_four_streams_and_the_writer_points) {
  ASSERT_TRUE(model);
  steer::llama_cpp_host host(model.get(), parameters());
  const steer::model_shape& shape = host.shape();
  EXPECT_EQ(shape.streams, 4);
  EXPECT_EQ(shape.width, GetParam().width);
  EXPECT_EQ(shape.layers, GetParam().layers);
  for (const point p : {point::residual_in, point::attention_out, point::mlp_out, point::residual_out}) {
    EXPECT_TRUE(shape.points.contains(p)) << to_string(p);
  }
}

TEST_P(deepseek, every_row_of_every_stream_is_seen_once_through_chunks_micro_batches_and_interleaved_sequences) {
  steer::llama_cpp_host host(model.get(), parameters());
  const std::vector<token_list> texts{tokens(1, 23), tokens(2, 17), tokens(3, 19)};
  witness eyes;
  host.set_hook(eyes);
  for (std::size_t s = 0; s < texts.size(); ++s) {
    host.begin(static_cast<llama_seq_id>(s), static_cast<std::int32_t>(texts[s].size()));
  }
  for (std::size_t first = 0; first < 23; first += 9) {  // chunks, each longer than a micro-batch
    steer::token_batch batch;
    for (std::size_t i = first; i < std::min<std::size_t>(first + 9, 23); ++i) {
      for (std::size_t s = 0; s < texts.size(); ++s) {
        if (i < texts[s].size()) {
          batch.add(texts[s][i], static_cast<llama_pos>(i), static_cast<llama_seq_id>(s), i % 5 == 0 ? output::logits : output::none);
        }
      }
    }
    host.decode(batch.view());
  }
  for (int layer = 0; layer < host.shape().layers; ++layer) {
    for (const point p : {point::residual_in, point::attention_out, point::mlp_out, point::residual_out}) {
      std::map<std::tuple<int, int, int>, int> times;
      for (const seen_row& row : eyes.seen.at({layer, p})) {
        EXPECT_EQ(row.info.token, texts.at(static_cast<std::size_t>(row.info.sequence)).at(static_cast<std::size_t>(row.info.position)));
        ++times[{row.info.sequence, row.info.position, row.info.stream}];
      }
      EXPECT_EQ(times.size(), static_cast<std::size_t>(23 + 17 + 19) * static_cast<std::size_t>(host.shape().streams_at(p)));
      EXPECT_TRUE(std::ranges::all_of(times, [](const auto& each) { return each.second == 1; }));
    }
  }
  const auto& in = eyes.seen.at({1, point::residual_in});
  const auto& before = eyes.seen.at({0, point::residual_out});
  for (std::size_t i = 0; i < in.size(); ++i) {
    EXPECT_EQ(in[i].values, before[i].values);
  }
}

TEST_P(deepseek, one_steered_sequence_leaves_the_others_bits_alone) {
  for (const bool one_cache : {true, false}) {
    steer::llama_cpp_host host(model.get(), parameters(one_cache));
    std::mt19937_64 engine{7};
    steer::recipe recipe;
    for (const point p : {point::residual_out, point::mlp_out, point::attention_out, point::residual_in}) {
      steer::steering_vector v = toy::random_vector(engine, {1}, host.shape().width);
      v.point = p;
      recipe.add(v, {.strength = 0.5F, .unit = steer::strength_unit::raw}).ablate(v);
    }
    const steer::plan plan(recipe, host.shape());
    steer::routing_table table;
    table.route(1, plan);
    const steer::routes one(table);
    const auto run = [&](bool steered) {
      if (steered) {
        host.set_hook(one);
      } else {
        host.clear_hook();
      }
      steer::token_batch batch;
      for (llama_seq_id s = 0; s < 3; ++s) {
        host.begin(s, 20);
      }
      for (std::size_t i = 0; i < 20; ++i) {
        for (llama_seq_id s = 0; s < 3; ++s) {
          batch.add(tokens(static_cast<unsigned>(s) + 1, 20)[i], static_cast<llama_pos>(i), s, i == 19 ? output::logits : output::none);
        }
      }
      host.decode(batch.view());
      std::vector<std::vector<float>> out;
      for (std::int32_t row = 57; row < 60; ++row) {
        const auto found = host.logits(row);
        out.emplace_back(found.begin(), found.end());
      }
      return out;
    };
    const auto plain = run(false);
    const auto steered = run(true);
    EXPECT_EQ(steered[0], plain[0]);
    EXPECT_NE(steered[1], plain[1]);
    EXPECT_EQ(steered[2], plain[2]);
    EXPECT_EQ(run(false), plain) << "off is as if never on";
  }
}

TEST_P(deepseek, a_constant_addition_to_all_streams_is_llama_cpps_own_control_vector) {
  steer::llama_cpp_host host(model.get(), parameters());
  std::mt19937_64 engine{8};
  const steer::plan plan(steer::recipe{}.add(toy::random_vector(engine, {1, 2, GetParam().layers - 1}, host.shape().width),
                                             {.strength = 0.5F, .unit = steer::strength_unit::raw}),
                         host.shape());
  const steer::matrix<float> plain = logits_of(host, text);
  EXPECT_EQ(host.steer(plan), llama_cpp_path::native);
  const steer::matrix<float> native = logits_of(host, text);
  EXPECT_EQ(host.steer(plan, steer::llama_cpp_native::never), llama_cpp_path::hook);
  EXPECT_LT(largest(logits_of(host, text) - native), close);
  EXPECT_GT(largest(native - plain), 100 * close);
  const steer::plan one_stream(steer::recipe{}.add(toy::random_vector(engine, {1}, host.shape().width), {.unit = steer::strength_unit::raw},
                                                   {.rows = {.streams = {2}}}),
                               host.shape());
  EXPECT_EQ(host.steer(one_stream), llama_cpp_path::hook);
  EXPECT_GT(largest(logits_of(host, text) - plain), 10 * close);
}

TEST_P(deepseek, ablating_a_writer_is_to_take_the_direction_out_of_its_weights) {
  std::mt19937_64 engine{9};
  for (const auto& each : {std::pair{point::attention_out, 1.0F}, {point::mlp_out, 1.0F}, {point::mlp_out, -0.5F}}) {
    const point p = each.first;
    const float share = each.second;
    for (const int layer : {0, GetParam().layers - 1}) {
      steer::steering_vector v = toy::random_vector(engine, {layer}, GetParam().width);
      v.point = p;
      const Eigen::VectorXf u = v.directions.at(layer).values.normalized();
      const auto changed = deepseek_model::make(GetParam(), [&](std::string_view name, deepseek_model::tensor_values& values) {
        const std::string block = "blk." + std::to_string(layer) + ".";
        const bool writes = p == point::attention_out ? name == block + "attn_output_b.weight"
                                                      : name == block + "ffn_down_exps.weight" || name == block + "ffn_down_shexp.weight";
        if (writes) {
          values.project_out(u, share);
        }
      });
      steer::llama_cpp_host expected_host(changed.get(), parameters());
      steer::llama_cpp_host host(model.get(), parameters());
      const steer::matrix<float> plain = logits_of(host, text);
      const steer::plan plan(steer::recipe{}.ablate(v, {.share = share}), host.shape());
      EXPECT_EQ(host.steer(plan), llama_cpp_path::hook);
      const steer::matrix<float> steered = logits_of(host, text);
      EXPECT_LT(largest(steered - logits_of(expected_host, text)), close) << to_string(p) << layer;
      EXPECT_GT(largest(steered - plain), 10 * close) << to_string(p) << layer;
    }
  }
}

/// H_t = post_t y + Σ_s comb_st H_s: what is added to y is added to each stream post_t times.
TEST_P(deepseek, what_is_added_at_a_writer_enters_each_stream_by_its_own_share) {
  steer::llama_cpp_host host(model.get(), parameters());
  const int layer = GetParam().layers - 2;
  const Eigen::RowVectorXf delta = Eigen::RowVectorXf::LinSpaced(GetParam().width, -1.0F, 1.0F);
  for (const int writer : {0, 1}) {  // attention, feed-forward: the graph's own shares come twice a layer under one name
    const deepseek_model::graph_values graph = deepseek_model::run(*model, parameters(), text, layer);
    ASSERT_EQ(graph.post.size(), 2U);
    ASSERT_EQ(graph.comb.size(), 2U);
    const steer::matrix<float> post = graph.post[static_cast<std::size_t>(writer)];  // [T, S]
    adder at_writer{site{layer, writer == 0 ? point::attention_out : point::mlp_out}, [&](const steer::row_info&) { return delta; }};
    host.set_hook(at_writer);
    const steer::matrix<float> steered = logits_of(host, text);
    host.clear_hook();
    if (writer == 1) {
      adder at_streams{site{layer, point::residual_out},
                       [&](const steer::row_info& row) { return Eigen::RowVectorXf(post(row.position, row.stream) * delta); }};
      host.set_hook(at_streams);
      const steer::matrix<float> by_hand = logits_of(host, text);
      host.clear_hook();
      EXPECT_LT(largest(steered - by_hand), close);
    } else {  // the streams between the sub-blocks are no point: they are written where the graph has them
      const steer::matrix<float> by_hand = deepseek_model::run(*model, parameters(), text, layer, [&](steer::matrix<float>& streams) {
                                             for (Eigen::Index row = 0; row < streams.rows(); ++row) {
                                               streams.row(row) += post(row / 4, row % 4) * delta;
                                             }
                                           }).logits;
      EXPECT_LT(largest(steered - by_hand), close);
    }
    EXPECT_GT(largest(steered - graph.logits), 10 * close);
  }
}

/// The formula itself, on the graph's own numbers.
TEST_P(deepseek, residual_out_is_the_mixture_that_the_graph_says) {
  steer::llama_cpp_host host(model.get(), parameters());
  witness eyes;
  host.evaluate(text, eyes);
  for (int layer = 0; layer < GetParam().layers; ++layer) {
    const deepseek_model::graph_values graph = deepseek_model::run(*model, parameters(), text, layer);
    const auto rows = [&](point p) -> const auto& { return eyes.seen.at({layer, p}); };
    for (std::size_t t = 0; t < text.size(); ++t) {
      std::vector<Eigen::RowVectorXf> streams;
      for (std::size_t s = 0; s < 4; ++s) {
        streams.push_back(rows(point::residual_in)[4 * t + s].values);
      }
      for (std::size_t writer = 0; writer < 2; ++writer) {
        const Eigen::RowVectorXf& y = rows(writer == 0 ? point::attention_out : point::mlp_out)[t].values;
        const auto at = static_cast<Eigen::Index>(t);
        std::vector<Eigen::RowVectorXf> next;
        for (Eigen::Index to = 0; to < 4; ++to) {
          next.push_back(graph.post[writer](at, to) * y);
          for (Eigen::Index from = 0; from < 4; ++from) {
            next.back() += graph.comb[writer](at, 4 * from + to) * streams[static_cast<std::size_t>(from)];
          }
        }
        streams = next;
      }
      for (std::size_t s = 0; s < 4; ++s) {
        const Eigen::RowVectorXf& found = rows(point::residual_out)[4 * t + s].values;
        ASSERT_LT((found - streams[s]).norm(), 1e-4F * (1.0F + found.norm())) << "layer " << layer << " token " << t << " stream " << s;
      }
    }
  }
}

TEST_P(deepseek, is_recorded_by_the_mean_of_its_streams) {
  steer::llama_cpp_host host(model.get(), parameters());
  steer::recorder mean(host.shape(), {.tokens = steer::token_span{0}});
  steer::recorder third(host.shape(), {.tokens = steer::token_span{0}, .stream = 3});
  mean.record(host, std::span<const std::int32_t>(text), steer::side::positive);
  third.record(host, std::span<const std::int32_t>(text), steer::side::positive);
  witness eyes;
  host.evaluate(text, eyes);
  Eigen::RowVectorXd all = Eigen::RowVectorXd::Zero(GetParam().width);
  Eigen::RowVectorXd one = all;
  for (const seen_row& row : eyes.seen.at({1, point::residual_out})) {
    all += row.values.cast<double>() / (4.0 * static_cast<double>(text.size()));
    one += (row.info.stream == 3 ? 1.0 : 0.0) * row.values.cast<double>() / static_cast<double>(text.size());
  }
  EXPECT_LT((mean.mean(1, steer::side::positive).transpose() - all).norm(), 1e-4);
  EXPECT_LT((third.mean(1, steer::side::positive).transpose() - one).norm(), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(llama_cpp, deepseek,
                         testing::Values(deepseek_model::sizes{}, deepseek_model::sizes{.layers = 3, .width = 64, .ratios = {4, 0, 128}},
                                         deepseek_model::sizes{.layers = 5, .width = 192, .ratios = {0, 4, 128, 4, 0}, .experts = 4}),
                         [](const auto& of) { return "width_" + std::to_string(of.param.width); });

TEST(streams_of_llama_cpp, that_would_end_the_program_are_refused_before_a_context_is_made) {
  for (const unsigned streams : {1U, 2U, 3U, 5U}) {
    const auto model = deepseek_model::make({.streams = streams});
    ASSERT_TRUE(model);
    expect_error<steer::host_error>([&] { steer::llama_cpp_host(model.get(), parameters()); },
                                    "has " + std::to_string(streams) + " residual streams", "deepseek4 runs with 4");
  }
}

TEST(streams_of_llama_cpp, are_mixed_only_of_what_is_there) {
  std::mt19937_64 engine{3};
  const steer::matrix<float> before = toy::random_rows<float>(engine, 3, 20);
  const steer::matrix<float> a = toy::random_rows<float>(engine, 1, 20);
  const steer::matrix<float> m = toy::random_rows<float>(engine, 1, 20);
  const steer::matrix<float> comb = toy::random_rows<float>(engine, 3, 3);
  const steer::matrix<float> post = toy::random_rows<float>(engine, 3, 2);
  const steer::matrix<float> after = comb * before + post.col(0) * a + post.col(1) * m;
  using steer::detail::are_mixed;
  EXPECT_TRUE(are_mixed(before, a, m, after));
  EXPECT_FALSE(are_mixed(before, a, m, after + toy::random_rows<float>(engine, 3, 20) * 0.01F)) << "something else was added";
  EXPECT_FALSE(are_mixed(before, a, toy::random_rows<float>(engine, 1, 20), after)) << "that is not what was written";
  EXPECT_FALSE(are_mixed(before, a, m, comb * before + post.col(0) * a)) << "one of them was not written";
}

}  // namespace
