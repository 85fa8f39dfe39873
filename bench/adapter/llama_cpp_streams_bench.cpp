// DeepSeek-V4's geometry in llama.cpp, 43 layers of 4096 numbers in four residual streams, with heads and experts as small as they get and
// random weights: a generated token without steering, and with a direction removed from what every feed-forward part writes, as ds4 does.
//
// The directions are those of the file that $STEER_DS4_DIRECTIONS names, or random ones.
#include "steer/adapter/llama_cpp.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "adapter/llama_cpp/deepseek_model.hpp"
#include "in_turn.hpp"
#include "steer/io/ds4.hpp"
#include "steer/recipe/recipe.hpp"

namespace {

constexpr int layers = 43;
constexpr int width = 4096;
constexpr std::size_t steps = 8;  // tokens generated, before the cache is emptied

llama_model* model() {
  static const tiny_model::pointer made = [] {
    deepseek_model::sizes of{.layers = layers, .width = width, .ratios = {}};
    for (int layer = 0; layer < layers; ++layer) {
      of.ratios.push_back(layer < 2 ? 0U : layer % 2 == 0 ? 4U : 128U);
    }
    return deepseek_model::make(of);
  }();
  return made.get();
}

std::vector<steer::edit> directions(const steer::ds4_options& how) {
  if (const char* const file = std::getenv("STEER_DS4_DIRECTIONS"); file != nullptr) {
    return steer::load_ds4(file, how);
  }
  std::mt19937_64 engine{6};
  std::normal_distribution<float> normal;
  steer::matrix<float> rows = steer::matrix<float>::NullaryExpr(layers, width, [&] { return normal(engine); });
  rows.rowwise().normalize();
  return steer::parse_ds4(std::as_bytes(std::span(rows.data(), static_cast<std::size_t>(rows.size()))), "random", how);
}

/// y -= v (v . y), by layer.
struct by_formula {
  std::vector<steer::edit> edits;

  [[nodiscard]] steer::access access(steer::site where) const noexcept {
    return std::any_of(edits.begin(), edits.end(), [&](const steer::edit& e) { return steer::point_of(e) == where.point; }) ? steer::access::write
                                                                                                                             : steer::access::none;
  }
  void operator()(steer::site where, steer::rows<float> shown) const noexcept {
    for (const steer::edit& each : edits) {
      const auto& v = std::get<steer::ablate_edit>(each.operation).vector;
      const auto found = v.directions.find(where.layer);
      if (v.point != where.point || found == v.directions.end()) {
        continue;
      }
      for (std::ptrdiff_t i = 0; i < shown.count; ++i) {
        Eigen::Map<Eigen::VectorXf> y(shown[i].data(), shown.width);
        y -= found->second.values * found->second.values.dot(y);
      }
    }
  }
};

template <bool at_feed_forward, bool at_attention>
void without_a_direction(benchmark::State& state) {
  llama_context_params parameters = llama_context_default_params();
  parameters.n_ctx = 256;
  parameters.n_seq_max = 2;
  parameters.n_threads = parameters.n_threads_batch = static_cast<int>(state.range(0));
  steer::llama_cpp_host host(model(), parameters);
  const auto edits = directions({.ffn_scale = at_feed_forward ? std::optional(1.0F) : std::nullopt,
                                 .attention_scale = at_attention ? std::optional(1.0F) : std::nullopt});
  steer::recipe recipe;
  for (const steer::edit& each : edits) {
    recipe.append(each);
  }
  const steer::plan plan(recipe, host.shape());
  steer::token_batch batch;
  std::vector<llama_pos> next(2);
  const auto begin = [&](llama_seq_id sequence) {
    host.begin(sequence, 1);
    next[static_cast<std::size_t>(sequence)] = 0;
  };
  const auto write = [&](llama_seq_id sequence) {
    batch.clear();
    const llama_pos at = next[static_cast<std::size_t>(sequence)]++;
    batch.add(at % tiny_model::vocabulary, at, sequence, steer::token_batch::output::logits);
    host.decode(batch.view());
  };
  const auto logits = [&] {
    begin(0);
    write(0);
    const auto row = host.logits(0);
    return Eigen::VectorXf(Eigen::Map<const Eigen::VectorXf>(row.data(), static_cast<Eigen::Index>(row.size())));
  };
  const Eigen::VectorXf plain = logits();
  by_formula formula{edits};
  host.set_hook(formula);
  const Eigen::VectorXf expected = logits();
  host.steer(plan);
  const Eigen::VectorXf found = logits();
  const float moved = (expected - plain).cwiseAbs().maxCoeff();
  if ((found - expected).cwiseAbs().maxCoeff() > 1e-3F * std::max(moved, 1e-3F) || moved == 0.0F) {
    state.SkipWithError("the plan and the formula do not give the same logits");
    return;
  }
  bench::time_in_turn(
      state, "of_plain", {.steps = steps, .clock = state.range(0) == 1 ? bench::clock::of_thread : bench::clock::of_wall},
      [&] {
        host.clear_hook();
        begin(0);
        begin(1);
      },
      [&](std::size_t) {
        host.steer(plan);
        write(1);
      },
      [&](std::size_t) {
        host.clear_hook();
        write(0);
      });
}

void threads(benchmark::internal::Benchmark* b) { b->ArgName("threads")->Arg(1)->Arg(2)->UseManualTime(); }

BENCHMARK(without_a_direction<true, false>)->Name("deepseek_decode/feed_forward")->Apply(threads);
BENCHMARK(without_a_direction<true, true>)->Name("deepseek_decode/both_writers")->Apply(threads);

}  // namespace
