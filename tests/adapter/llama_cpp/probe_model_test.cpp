// What the adapter finds in other architectures: llama.cpp's own graphs, with random weights.
#include "steer/adapter/llama_cpp/probe_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "adapter/llama_cpp/tiny_model.hpp"
#include "steer/adapter/llama_cpp.hpp"
#include "toy.hpp"

namespace {

using steer::point;

llama_context_params parameters() {
  llama_context_params out = llama_context_default_params();
  out.n_ctx = 512;
  out.n_batch = 64;
  out.n_ubatch = 16;
  out.n_seq_max = 4;
  out.n_threads = 1;
  out.n_threads_batch = 1;
  return out;
}

std::vector<std::int32_t> tokens(unsigned seed, std::size_t count) {
  std::mt19937 engine{seed};
  std::vector<std::int32_t> out(count);
  std::generate(out.begin(), out.end(), [&] { return static_cast<std::int32_t>(engine() % tiny_model::vocabulary); });
  return out;
}

/// Sums up what a hook sees at residual_out of the middle layer, and can stop one sequence there.
struct counter {
  std::int32_t silenced = -1;
  std::map<std::int32_t, std::vector<std::int32_t>> positions = {};  // by sequence

  [[nodiscard]] steer::access access(steer::site where) const noexcept {
    return where == steer::site{1, point::residual_out} ? steer::access::write : steer::access::none;
  }
  void operator()(steer::site, steer::rows<float> rows) noexcept {
    for (std::ptrdiff_t i = 0; i < rows.count; ++i) {
      positions[rows.info_of(i).sequence].push_back(rows.info_of(i).position);
      if (rows.info_of(i).sequence == silenced) {
        std::fill(rows[i].begin(), rows[i].end(), 0.0F);
      }
    }
  }
};

class Architectures : public testing::TestWithParam<std::pair<const char*, std::size_t>> {};

TEST_P(Architectures, ShowThePointsThatTheyHave) {
  const auto& [name, points] = GetParam();
  const auto model = tiny_model::make(name);
  ASSERT_TRUE(model);
  steer::llama_cpp_host host(model.get(), parameters());
  const steer::model_shape& shape = host.shape();
  EXPECT_EQ(shape.name, std::string("tiny ") + name);
  EXPECT_EQ(shape.layers, tiny_model::layers);
  EXPECT_EQ(shape.width, tiny_model::width);
  std::size_t found = 0;
  for (const point p : steer::all_points) {
    found += shape.points.contains(p) ? 1U : 0U;
  }
  EXPECT_EQ(found, points);
  EXPECT_TRUE(shape.points.contains(point::residual_in) && shape.points.contains(point::residual_out));
  if (shape.points.contains(point::attention_heads)) {
    EXPECT_EQ(shape.width_at(point::attention_heads), 64);
  }
}

TEST_P(Architectures, EveryRowIsSeenOnceAndOneSequenceIsEditedAlone) {
  const auto model = tiny_model::make(GetParam().first);
  ASSERT_TRUE(model);
  steer::llama_cpp_host host(model.get(), parameters());
  const std::vector<std::vector<std::int32_t>> texts{tokens(1, 23), tokens(2, 17), tokens(3, 19)};
  const auto run = [&](counter& hook) {
    host.set_hook(hook);
    steer::token_batch batch;
    std::vector<std::int32_t> ends(texts.size());
    for (std::size_t s = 0; s < texts.size(); ++s) {
      host.begin(static_cast<llama_seq_id>(s), static_cast<std::int32_t>(texts[s].size()));
    }
    for (std::size_t i = 0; i < 23; ++i) {  // interleaved
      for (std::size_t s = 0; s < texts.size(); ++s) {
        if (i < texts[s].size()) {
          ends[s] = static_cast<std::int32_t>(batch.size());
          batch.add(texts[s][i], static_cast<llama_pos>(i), static_cast<llama_seq_id>(s),
                    i + 1 == texts[s].size() ? steer::token_batch::output::logits : steer::token_batch::output::none);
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
  };
  counter watching;
  const auto plain = run(watching);
  for (std::size_t s = 0; s < texts.size(); ++s) {
    std::vector<std::int32_t> expected(texts[s].size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expected[i] = static_cast<std::int32_t>(i);
    }
    EXPECT_EQ(watching.positions[static_cast<std::int32_t>(s)], expected) << "sequence " << s;
  }
  counter silencing{.silenced = 1};
  const auto edited = run(silencing);
  EXPECT_EQ(edited[0], plain[0]);
  EXPECT_NE(edited[1], plain[1]);
  EXPECT_EQ(edited[2], plain[2]);
}

std::string name_of(const testing::TestParamInfo<std::pair<const char*, std::size_t>>& info) {
  std::string name = info.param.first;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

// With fewer than five points the graph has no tensor that is what attention or the feed-forward part adds: it is scaled
// or normed without a name on its way. With two there are no heads either.
INSTANTIATE_TEST_SUITE_P(LlamaCpp, Architectures,
                         testing::Values(std::pair("llama", 5), std::pair("qwen2", 5), std::pair("qwen3", 5),
                                         std::pair("qwen3moe", 5), std::pair("gemma", 5), std::pair("gemma3", 5),
                                         std::pair("phi3", 5), std::pair("falcon", 5), std::pair("command-r", 5),
                                         std::pair("stablelm", 5), std::pair("starcoder2", 5), std::pair("gemma2", 3),
                                         std::pair("olmo2", 3), std::pair("granite", 3),
                                         std::pair("mamba", 2)),
                         name_of);

TEST(LlamaCppProbe, AFingerprintNamesTheModel) {
  const auto a = tiny_model::make("llama");
  const auto again = tiny_model::make("llama");
  const auto other = tiny_model::make("qwen2");
  EXPECT_EQ(steer::detail::fingerprint_of(*a), steer::detail::fingerprint_of(*again));
  EXPECT_NE(steer::detail::fingerprint_of(*a), steer::detail::fingerprint_of(*other));
}

}  // namespace
