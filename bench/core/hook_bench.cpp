// A site at which nothing happens: without a hook (the bare loop), with an empty plan, with one behind hook_ref.
#include "steer/core/hook.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>

#include "steer/core/hook_ref.hpp"
#include "steer/inject/plan.hpp"

namespace {

/// All sites of one forward pass, as a host visits them. Not inlined, so that the hook is as unknown as in a host.
template <class Hook>
[[gnu::noinline]] std::int64_t visit_sites(Hook& hook, int layers, steer::rows<float> activations) {
  std::int64_t calls = 0;
  for (int layer = 0; layer < layers; ++layer) {
    for (const steer::point point : steer::all_points) {
      if (hook.access({layer, point}) != steer::access::none) {
        hook({layer, point}, activations);
        ++calls;
      }
      benchmark::ClobberMemory();  // here the host computes
    }
  }
  return calls;
}

template <class Hook>
void per_site(benchmark::State& state, Hook hook) {
  const auto layers = static_cast<int>(state.range(0));
  for (auto _ : state) {
    if (visit_sites(hook, layers, {}) != 0) {
      state.SkipWithError("the hook was called");
      break;
    }
  }
  const auto sites = static_cast<std::int64_t>(layers) * static_cast<std::int64_t>(steer::point_count);
  state.counters["per_site"] = benchmark::Counter(
      static_cast<double>(sites), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

steer::plan empty_plan(const benchmark::State& state) {
  steer::model_shape shape;
  shape.layers = static_cast<int>(state.range(0));
  return steer::plan{{}, shape};
}

void none(benchmark::State& state) { per_site(state, steer::no_hook{}); }
void empty(benchmark::State& state) { per_site(state, empty_plan(state)); }
void empty_ref(benchmark::State& state) {
  const steer::plan plan = empty_plan(state);
  per_site(state, steer::hook_ref<float>{plan});
}

BENCHMARK(none)->Name("hook/none")->ArgName("L")->Arg(32);
BENCHMARK(empty)->Name("hook/empty")->ArgName("L")->Arg(32);
BENCHMARK(empty_ref)->Name("hook/empty_ref")->ArgName("L")->Arg(32);

}  // namespace
