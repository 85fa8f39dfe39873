// One batch, many configurations: r dose sets over one stack of eight edits, or r stacks of eight edits.
#include "steer/inject/routes.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "bound.hpp"
#include "in_turn.hpp"
#include "toy.hpp"

namespace {

constexpr steer::site where{0, steer::point::residual_out};
constexpr int edits = 8;

/// A batch of T rows of as many sequences, d wide.
struct batch {
  steer::matrix<float> h;
  std::vector<steer::row_info> info;
  steer::model_shape shape = toy::shape(1, 1);

  batch(Eigen::Index d, Eigen::Index t) {
    std::mt19937_64 engine{1};
    h = toy::random_rows<float>(engine, t, d);
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(t); ++i) {
      info.push_back({.sequence = i});
    }
    shape.width = d;
  }
  steer::rows<float> view() { return {h.data(), h.rows(), h.cols(), h.cols(), info}; }
  [[nodiscard]] steer::plan stack(std::uint64_t seed, steer::doses_from doses) const {
    std::mt19937_64 engine(seed);
    steer::recipe recipe;
    for (int i = 0; i < edits; ++i) {
      recipe.reflect(toy::random_vector(engine, {0}, shape.width));
    }
    return {recipe, shape, {.doses = doses}};
  }
};

template <class Contestant, class Base>
void race(benchmark::State& state, const char* ratio, const batch& b, Contestant contestant, Base base) {
  const std::int64_t calls = std::max<std::int64_t>(1, (1 << 19) / b.h.size());
  const auto repeated = [calls](auto& call) {
    return [calls, &call](std::size_t) {
      for (std::int64_t i = 0; i < calls; ++i) {
        call();
        benchmark::ClobberMemory();
      }
    };
  };
  bench::time_in_turn(state, ratio, {.calls_per_step = calls}, [] {}, repeated(contestant), repeated(base));
}

/// Every row has doses of its own, against one plan with its doses compiled in.
void dose_sets(benchmark::State& state) {
  batch b(state.range(0), state.range(1));
  const auto r = static_cast<std::int32_t>(state.range(2));
  const steer::plan shared = b.stack(2, steer::doses_from::routes);
  const steer::plan one = b.stack(2, steer::doses_from::recipe);
  steer::routing_table table;
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(b.info.size()); ++i) {
    std::vector<float> doses(edits, 1.0F);
    doses[static_cast<std::size_t>(i % r % edits)] = 1.0F - 0.001F * static_cast<float>(i % r);
    table.route(i, shared, doses);
  }
  const steer::routes routes(std::move(table));
  race(state, "of_one_set", b, [&] { routes(where, b.view()); }, [&] { one(where, b.view()); });
}

/// Every row has directions of its own, against reading them once.
void disjoint(benchmark::State& state) {
  batch b(state.range(0), state.range(1));
  const auto r = static_cast<std::int32_t>(state.range(2));
  std::vector<steer::plan> plans;
  for (std::int32_t i = 0; i < r; ++i) {
    plans.push_back(b.stack(static_cast<std::uint64_t>(3 + i), steer::doses_from::recipe));
  }
  steer::routing_table table;
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(b.info.size()); ++i) {
    table.route(i, plans[static_cast<std::size_t>(i % r)]);
  }
  const steer::routes routes(std::move(table));
  const std::vector<float> bytes(static_cast<std::size_t>(r * edits * b.h.cols()), 1.0F);
  bench::bound<float> bound({b.h.data(), static_cast<std::size_t>(b.h.size())}, bytes, 2 * edits * b.h.size());
  race(state, "of_bound", b, [&] { routes(where, b.view()); }, [&] { bound(); });
}

void sizes(benchmark::internal::Benchmark* b) { b->ArgNames({"d", "T", "r"})->Args({4096, 64, 64})->UseManualTime(); }

BENCHMARK(dose_sets)->Name("routes/steer")->Apply(sizes);
BENCHMARK(disjoint)->Name("routes/disjoint")->Apply(sizes);

}  // namespace
