// What it costs a row to ask a library of presets what is active, and a swap beside compiling the plan anew.
#include "steer/serve/preset_library.hpp"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <Eigen/Core>

#include "in_turn.hpp"
#include "steer/inject/plan.hpp"
#include "steer/io/preset_file.hpp"
#include "toy.hpp"

namespace {

constexpr steer::site where{0, steer::point::residual_out};

/// Two presets of an addition each, loaded from a folder.
struct voices {
  steer::model_shape shape;
  steer::preset one;
  steer::preset_library presets;
  steer::matrix<float> row;
  const steer::row_info info = {};

  explicit voices(Eigen::Index d) : shape(toy::shape(1, d)), presets({}, shape) {
    std::mt19937_64 engine{1};
    const std::filesystem::path folder = std::filesystem::temp_directory_path() / steer::text({"voices_", std::random_device{}()});
    std::filesystem::create_directory(folder);
    for (const char* name : {"one", "two"}) {
      one.name = name;
      one.content.recipe = {};
      one.content.recipe.add(toy::random_vector(engine, {0}, d), {.strength = 0.01F});
      save(one, folder / std::string(steer::text({name, ".safetensors"})));
    }
    presets.load(folder, "benchmark");
    std::filesystem::remove_all(folder);
    presets.activate("two", "benchmark");
    row = toy::random_rows<float>(engine, 1, d);
  }
  steer::rows<float> view() { return toy::view(row, std::span(&info, 1)); }
};

void active(benchmark::State& state) {
  voices v(state.range(0));
  const steer::plan plan(v.one.content.recipe, v.shape);
  const steer::matrix<float> before = v.row;
  plan(where, v.view());
  const steer::matrix<float> by_plan = v.row;
  v.row = before;
  v.presets.active()->plan(where, v.view());
  if (v.row != by_plan) {
    state.SkipWithError("the active preset does something else than its plan");
    return;
  }
  constexpr std::int64_t calls = 2048;
  const auto repeated = [](auto call) {
    return [call](std::size_t) {
      for (std::int64_t i = 0; i < calls; ++i) {
        call();
        benchmark::ClobberMemory();
      }
    };
  };
  bench::time_in_turn(
      state, "of_plan", {.calls_per_step = calls}, [] {}, repeated([&] { v.presets.active()->plan(where, v.view()); }),
      repeated([&] { plan(where, v.view()); }));
}

void swap(benchmark::State& state) {
  voices v(state.range(0));
  bench::time_in_turn(
      state, "of_compiling", {}, [] {}, [&](std::size_t i) { v.presets.activate(i % 4 == 0 ? "one" : "two", "benchmark"); },
      [&](std::size_t) { benchmark::DoNotOptimize(steer::plan(v.one.content.recipe, v.shape)); });
}

void sizes(benchmark::internal::Benchmark* b) { b->ArgName("d")->Arg(4096)->UseManualTime(); }

BENCHMARK(active)->Name("presets/active")->Apply(sizes);
BENCHMARK(swap)->Name("presets/swap")->Apply(sizes);

}  // namespace
