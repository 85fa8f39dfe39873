// What the adapter finds in every architecture, and that it steers it: llama.cpp's own graphs, with random weights.
#include "steer/adapter/llama_cpp/probe_model.hpp"

#include <gtest/gtest.h>

#include <Eigen/Core>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "adapter/llama_cpp/architectures.hpp"
#include "adapter/llama_cpp/tiny_model.hpp"
#include "expect_error.hpp"
#include "steer/adapter/llama_cpp.hpp"
#include "steer/inject/plan.hpp"
#include "steer/recipe/recipe.hpp"
#include "toy.hpp"

namespace {

using architectures::architecture;
using architectures::quirk;
using steer::llama_cpp_path;
using steer::point;
using steer::site;
using output = steer::token_batch::output;
using tiny_model::tokens;
using token_list = std::vector<std::int32_t>;

llama_context_params parameters(std::uint32_t micro_batch) {
  llama_context_params out = llama_context_default_params();
  out.n_ctx = 512;
  out.n_batch = 64;
  out.n_ubatch = micro_batch;
  out.n_seq_max = 4;
  out.n_threads = 1;
  out.n_threads_batch = 1;
  return out;
}

/// Keeps every row, by site and by sequence, position and stream.
struct witness {
  std::map<site, std::map<std::tuple<int, int, int>, Eigen::RowVectorXf>> seen = {};
  int repeated = 0;

  [[nodiscard]] steer::access access(site) const noexcept { return steer::access::read; }
  void operator()(site where, steer::rows<float> rows) noexcept {
    for (std::ptrdiff_t i = 0; i < rows.count; ++i) {
      const steer::row_info& info = rows.info_of(i);
      const bool is_new = seen[where]
                              .emplace(std::tuple(info.sequence, info.position, static_cast<int>(info.stream)),
                                       Eigen::Map<const Eigen::RowVectorXf>(rows[i].data(), rows.width))
                              .second;
      repeated += is_new ? 0 : 1;
    }
  }
};

/// Stops one stream of one sequence.
struct silencer {
  site where;
  int stream = 0;
  std::int32_t sequence = 1;

  [[nodiscard]] steer::access access(site here) const noexcept { return here == where ? steer::access::write : steer::access::none; }
  void operator()(site, steer::rows<float> rows) const noexcept {
    for (std::ptrdiff_t i = 0; i < rows.count; ++i) {
      if (rows.info_of(i).sequence == sequence && rows.info_of(i).stream == stream) {
        std::fill(rows[i].begin(), rows[i].end(), 0.0F);
      }
    }
  }
};

class Architectures : public testing::TestWithParam<architecture> {
 protected:
  tiny_model::pointer model = architectures::make(GetParam());
  const bool is_one_batch = GetParam().quirk == quirk::one_batch;
  const std::vector<token_list> texts{tokens(1, 23), tokens(2, 17), tokens(3, 19)};

  [[nodiscard]] steer::llama_cpp_host host() const { return steer::llama_cpp_host(model.get(), parameters(is_one_batch ? 64 : 16)); }

  /// The last logits of each text; they run interleaved.
  [[nodiscard]] std::vector<std::vector<float>> run(steer::llama_cpp_host& host) const {
    steer::token_batch batch;
    std::vector<std::int32_t> ends(texts.size());
    for (std::size_t s = 0; s < texts.size(); ++s) {
      host.begin(static_cast<llama_seq_id>(s), static_cast<std::int32_t>(texts[s].size()));
    }
    for (std::size_t i = 0; i < 23; ++i) {
      for (std::size_t s = 0; s < texts.size(); ++s) {
        if (i < texts[s].size()) {
          ends[s] = static_cast<std::int32_t>(batch.size());
          batch.add(texts[s][i], static_cast<llama_pos>(i), static_cast<llama_seq_id>(s),
                    is_one_batch || i + 1 == texts[s].size() ? output::logits : output::none);
        }
      }
    }
    host.decode(batch.view());
    std::vector<std::vector<float>> out;
    for (const std::int32_t end : ends) {
      const auto row = host.logits(end);
      out.emplace_back(row.begin(), row.end());
    }
    return out;
  }
};

/// The largest difference, as a share of the largest number; NaN if there is one.
float difference(const std::vector<std::vector<float>>& a, const std::vector<std::vector<float>>& b) {
  Eigen::ArrayXf largest = Eigen::ArrayXf::Zero(2);
  for (std::size_t s = 0; s < a.size(); ++s) {
    const Eigen::Map<const Eigen::ArrayXf> first(a[s].data(), static_cast<Eigen::Index>(a[s].size()));
    const Eigen::Map<const Eigen::ArrayXf> second(b[s].data(), static_cast<Eigen::Index>(b[s].size()));
    if (!first.isFinite().all() || !second.isFinite().all()) {
      return std::numeric_limits<float>::quiet_NaN();
    }
    largest = largest.max(Eigen::Array2f((first - second).abs().maxCoeff(), first.abs().maxCoeff()));
  }
  return largest[0] / largest[1];
}

TEST_P(Architectures, ShowTheirPoints) {
  ASSERT_TRUE(model);
  const steer::llama_cpp_host host = this->host();
  const steer::model_shape& shape = host.shape();
  EXPECT_EQ(shape.name, std::string("tiny ") + GetParam().name);
  EXPECT_GE(shape.layers, tiny_model::layers);
  EXPECT_EQ(shape.width, tiny_model::width);
  EXPECT_EQ(shape.streams, GetParam().streams);
  std::string points;
  for (const auto& [p, letter] : {std::pair(point::residual_in, 'r'), std::pair(point::attention_heads, 'h'), std::pair(point::attention_out, 'a'),
                                  std::pair(point::mlp_out, 'm'), std::pair(point::residual_out, 'o')}) {
    points += shape.points.contains(p) ? std::string(1, letter) : "";
  }
  EXPECT_EQ(points, GetParam().points);
  if (shape.points.contains(point::attention_heads)) {
    EXPECT_EQ(shape.width_at(point::attention_heads), 64);
  }
}

TEST_P(Architectures, EveryRowIsSeenOnceAndOneSequenceIsEditedAlone) {
  ASSERT_TRUE(model);
  steer::llama_cpp_host host = this->host();
  const steer::model_shape shape = host.shape();
  const auto plain = run(host);
  witness eyes;
  host.set_hook(eyes);
  EXPECT_EQ(run(host), plain);
  EXPECT_EQ(eyes.repeated, 0);
  for (int layer = 0; layer < shape.layers; ++layer) {
    const bool is_last = layer + 1 == shape.layers;  // there rows without logits may be missing
    for (const point p : steer::all_points) {
      if (!shape.points.contains(p)) {
        continue;
      }
      const auto& seen = eyes.seen.at({layer, p});
      const auto streams = static_cast<std::size_t>(shape.streams_at(p));
      EXPECT_GE(seen.size(), streams * (is_last ? 3 : 59)) << layer << " " << to_string(p);
      for (std::size_t s = 0; s < texts.size(); ++s) {
        for (std::size_t i = is_last ? texts[s].size() - 1 : 0; i < texts[s].size(); ++i) {
          for (std::size_t stream = 0; stream < streams; ++stream) {
            EXPECT_TRUE(seen.contains({static_cast<int>(s), static_cast<int>(i), static_cast<int>(stream)}));
          }
        }
      }
    }
    if (shape.streams == 1 && shape.points.contains(point::attention_out) && shape.points.contains(point::residual_in)) {
      for (const auto& [row, after] : eyes.seen.at({layer, point::residual_out})) {
        const Eigen::RowVectorXf& before = eyes.seen.at({layer, point::residual_in}).at(row);
        const Eigen::RowVectorXf sum =
            before + eyes.seen.at({layer, point::attention_out}).at(row) + eyes.seen.at({layer, point::mlp_out}).at(row);
        EXPECT_LT((sum - after).norm(), 1e-3F * (before.norm() + after.norm())) << layer;
      }
    }
  }
  for (const point p : steer::all_points) {
    for (int stream = 0; stream < (shape.points.contains(p) ? shape.streams_at(p) : 0); ++stream) {
      silencer silencing{{1, p}, stream};
      host.set_hook(silencing);
      const auto edited = run(host);
      EXPECT_NE(edited[1], plain[1]) << to_string(p) << stream;
      if (GetParam().quirk != quirk::mixed) {
        EXPECT_EQ(edited[0], plain[0]) << to_string(p) << stream;
        EXPECT_EQ(edited[2], plain[2]) << to_string(p) << stream;
      }
    }
  }
}

/// A graph that adds the control vector elsewhere than where the hook does would be steered otherwise.
TEST_P(Architectures, TheControlVectorDoesWhatTheHookDoes) {
  ASSERT_TRUE(model);
  steer::llama_cpp_host host = this->host();
  std::vector<int> layers(static_cast<std::size_t>(host.shape().layers) - 1);
  std::iota(layers.begin(), layers.end(), 1);
  std::mt19937_64 engine{5};
  const steer::plan plan(steer::recipe{}.add(toy::random_vector(engine, layers, tiny_model::width), {.unit = steer::strength_unit::raw}),
                         host.shape());
  const auto plain = run(host);
  EXPECT_EQ(host.steer(plan), GetParam().is_native ? llama_cpp_path::native : llama_cpp_path::hook);
  const auto steered = run(host);
  EXPECT_EQ(host.steer(plan, steer::llama_cpp_native::never), llama_cpp_path::hook);
  EXPECT_LT(difference(run(host), steered), 1e-3F);
  EXPECT_GT(difference(plain, steered), 1e-2F);
}

std::string name_of(const testing::TestParamInfo<architecture>& info) {
  std::string name = info.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return info.param.streams == 1 ? name : name + "_streams_" + std::to_string(info.param.streams);
}

INSTANTIATE_TEST_SUITE_P(LlamaCpp, Architectures, testing::ValuesIn(architectures::all), name_of);

TEST(LlamaCppProbe, AModelWithoutACacheTakesABatchAsOneMicroBatch) {
  const auto model = tiny_model::make("llada");  // llama.cpp ends the program for more
  steer::llama_cpp_host host(model.get(), parameters(16));
  host.prompt(0, tokens(1, 16));
  expect_error<steer::argument_error>([&] { host.prompt(0, tokens(1, 17)); }, "has 17 tokens", "one micro-batch");
}

TEST(LlamaCppProbe, AGraphWhoseTokensAreNotThoseOfTheBatchIsRefused) {
  const auto model = tiny_model::make("graniteswitch", [](gguf_context& metadata) {
    architectures::set_keys(metadata, "graniteswitch",
                            "adapters.count=2 adapters.lora_rank=4 adapters.token_ids_activate=60,61 adapters.token_ids_substitute=1,2");
  });
  expect_error<steer::host_error>([&] { steer::llama_cpp_host(model.get(), parameters(16)); }, "no tensor embd of its tokens");
}

TEST(LlamaCppProbe, AFingerprintNamesTheModel) {
  const auto a = tiny_model::make("llama");
  const auto again = tiny_model::make("llama");
  const auto other = tiny_model::make("qwen2");
  EXPECT_EQ(steer::detail::fingerprint_of(*a), steer::detail::fingerprint_of(*again));
  EXPECT_NE(steer::detail::fingerprint_of(*a), steer::detail::fingerprint_of(*other));
}

}  // namespace
