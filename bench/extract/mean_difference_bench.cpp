// The mean difference of two sides against a plain read of the same bytes, and against the line that one would write.
#include "steer/extract/mean_difference.hpp"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <span>
#include <Eigen/Core>

#include "bound.hpp"
#include "contrast.hpp"
#include "in_turn.hpp"

namespace {

struct problem {
  bench::contrast sides;

  explicit problem(const benchmark::State& state) : sides(state.range(1), state.range(0)) {}

  [[nodiscard]] Eigen::VectorXd steer() const { return steer::mean_difference(sides.positive, sides.negative); }
  /// Column by column, as Eigen does it.
  [[nodiscard]] Eigen::VectorXd eigen() const {
    return (sides.positive.cast<double>().colwise().mean() - sides.negative.cast<double>().colwise().mean()).transpose();
  }
  void look() const {
    for (const steer::matrix<float>* side : {&sides.positive, &sides.negative}) {
      bench::look(std::span<const float>(side->data(), static_cast<std::size_t>(side->size())));
    }
  }
};

template <class Contestant, class Base>
void race_of_means(benchmark::State& state, const char* ratio, Contestant contestant, Base base) {
  const problem p(state);
  if ((p.steer() - p.eigen()).norm() > 1e-12 * p.eigen().norm()) {
    state.SkipWithError("steer and Eigen do not find the same difference");
    return;
  }
  bench::race<problem>(state, ratio, contestant, base);
}

void by_steer(const problem& p) { benchmark::DoNotOptimize(p.steer().data()); }
void by_eigen(const problem& p) { benchmark::DoNotOptimize(p.eigen().data()); }
void by_look(const problem& p) { p.look(); }

void steer_form(benchmark::State& state) { race_of_means(state, "of_look", by_steer, by_look); }
void eigen_form(benchmark::State& state) { race_of_means(state, "of_steer", by_eigen, by_steer); }
void look_form(benchmark::State& state) { race_of_means(state, "of_steer", by_look, by_steer); }

void small(benchmark::internal::Benchmark* b) { b->ArgNames({"d", "n"})->UseManualTime()->Args({4096, 512}); }
void sizes(benchmark::internal::Benchmark* b) { b->Apply(small)->Args({1000, 2048}); }  // all larger than caches

BENCHMARK(steer_form)->Name("mean_difference/steer")->Apply(sizes);
BENCHMARK(eigen_form)->Name("mean_difference/eigen")->Apply(small);
BENCHMARK(look_form)->Name("mean_difference/look")->Apply(sizes);

}  // namespace
