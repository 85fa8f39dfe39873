// in_turn.hpp: how many times longer than a base a contestant takes.
//
// The speed of a machine drifts by more than the differences that matter, so two benchmarks that run one after the
// other cannot show them. Here contestant and base take every second step each, on the same memory, and change places
// in the next lap. A pair of neighbouring steps then gives four times, whose geometric mean
//
//     sqrt( contestant / base [first lap] * contestant / base [second lap] )
//
// is free of the speed of either lap, of what distinguishes the two steps and of the order. The median over all pairs
// leaves out those that something else disturbed. The base against itself shows the error that remains.
#pragma once

#include <time.h>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bench {

/// Whose time counts. Reading a clock costs about 0.5 us.
enum class clock : clockid_t {
  of_thread = CLOCK_THREAD_CPUTIME_ID,  ///< this thread's: what other processes take meanwhile does not count
  of_wall = CLOCK_MONOTONIC,            ///< for work that other threads take part in; wants a quiet machine
};

template <std::invocable Work>
double seconds_of(Work&& work, clock which = clock::of_thread) {
  const auto now = [which] {
    timespec time{};
    clock_gettime(static_cast<clockid_t>(which), &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  const double start = now();
  work();
  return now() - start;
}

/// One lap: `begin()`, untimed, then the steps, each timed.
struct lap_size {
  std::size_t steps = 2;            ///< even
  std::int64_t calls_per_step = 1;  ///< so many that the clock's own cost is nothing beside them
  bench::clock clock = clock::of_thread;
};

/// Times two functions `f(step)` in turn. The time reported is the contestant's, per call; the counter `ratio` is the
/// median of contestant / base.
template <std::invocable Begin, std::invocable<std::size_t> Contestant, std::invocable<std::size_t> Base>
void time_in_turn(benchmark::State& state, const std::string& ratio, lap_size lap, Begin begin, Contestant contestant,
                  Base base) {
  std::vector<double> first(lap.steps), second(lap.steps), ratios;
  while (state.KeepRunningBatch(static_cast<std::int64_t>(lap.steps) * lap.calls_per_step)) {
    begin();
    for (std::size_t i = 0; i < lap.steps; i += 2) {
      first[i] = seconds_of([&] { contestant(i); }, lap.clock);
      first[i + 1] = seconds_of([&] { base(i + 1); }, lap.clock);
    }
    begin();
    for (std::size_t i = 0; i < lap.steps; i += 2) {
      second[i] = seconds_of([&] { base(i); }, lap.clock);
      second[i + 1] = seconds_of([&] { contestant(i + 1); }, lap.clock);
    }
    double total = 0.0;
    for (std::size_t i = 0; i < lap.steps; i += 2) {
      total += first[i] + second[i + 1];
      ratios.push_back(std::sqrt(first[i] / first[i + 1] * second[i + 1] / second[i]));
    }
    state.SetIterationTime(total);
  }
  const auto middle = ratios.begin() + static_cast<std::ptrdiff_t>(ratios.size() / 2);
  std::nth_element(ratios.begin(), middle, ratios.end());
  state.counters[ratio] = *middle;
}

/// The same on one problem, made of the benchmark's arguments.
template <class Problem, std::invocable<const Problem&> Contestant, std::invocable<const Problem&> Base>
void race(benchmark::State& state, const std::string& ratio, Contestant contestant, Base base) {
  const Problem p(state);
  time_in_turn(state, ratio, {}, [] {}, [&](std::size_t) { contestant(p); }, [&](std::size_t) { base(p); });
}

}  // namespace bench
