// LEACE of one concept with two sides: from the samples by one solve, from their moments by a Cholesky factor, from
// their moments by the symmetric root as the paper writes it, and the limit: the inner products of the columns alone.
#include "steer/extract/leace.hpp"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include "bound.hpp"
#include "contrast.hpp"
#include "in_turn.hpp"

namespace {

struct problem {
  bench::contrast sides;
  steer::cross_moments seen;

  explicit problem(const benchmark::State& state) : sides(state.range(1), state.range(0)), seen(state.range(0), 1) {
    seen.update(sides.positive, Eigen::MatrixXf::Ones(sides.positive.rows(), 1));
    seen.update(sides.negative, Eigen::MatrixXf::Zero(sides.negative.rows(), 1));
  }

  [[nodiscard]] Eigen::MatrixXd binary() const {
    const steer::eraser out = steer::binary_leace(sides.positive, sides.negative);
    return out.write.transpose() * out.read;
  }
  [[nodiscard]] Eigen::MatrixXd of_moments() const {
    const steer::eraser out = steer::leace(seen);
    return out.write.transpose() * out.read;
  }
  [[nodiscard]] Eigen::MatrixXd symmetric_root() const {
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solved(seen.rows().covariance());
    const Eigen::VectorXd u = (solved.operatorInverseSqrt() * seen.cross_covariance()).normalized();
    return (solved.operatorSqrt() * u) * (solved.operatorInverseSqrt() * u).transpose();
  }
  void products() const {
    steer::matrix<double> rows(sides.positive.rows() + sides.negative.rows(), sides.positive.cols());
    rows << sides.positive.cast<double>(), sides.negative.cast<double>();
    bench::inner_products(rows.transpose());
  }
};

void by_steer(const problem& p) { benchmark::DoNotOptimize(steer::binary_leace(p.sides.positive, p.sides.negative)); }
void by_moments(const problem& p) { benchmark::DoNotOptimize(steer::leace(p.seen)); }
void by_symmetric_root(const problem& p) { benchmark::DoNotOptimize(p.symmetric_root().data()); }
void by_products(const problem& p) { p.products(); }

template <void (*contestant)(const problem&), void (*base)(const problem&)>
void race_of_erasers(benchmark::State& state, const char* ratio) {
  const problem p(state);
  const Eigen::MatrixXd projector = p.binary();
  if ((projector - p.of_moments()).norm() > 1e-8 * projector.norm()) {
    state.SkipWithError("the samples and their moments do not give the same eraser");
    return;
  }
  bench::race<problem>(state, ratio, contestant, base);
}

void steer_form(benchmark::State& state) { race_of_erasers<by_steer, by_products>(state, "of_products"); }
void products_form(benchmark::State& state) { race_of_erasers<by_products, by_steer>(state, "of_steer"); }
void symmetric_root_form(benchmark::State& state) {
  const problem p(state);
  if ((p.symmetric_root() - p.binary()).norm() > 1e-8 * p.binary().norm()) {
    state.SkipWithError("the roots do not give the same eraser");
    return;
  }
  race_of_erasers<by_symmetric_root, by_moments>(state, "of_moments");
}
void moments_form(benchmark::State& state) { race_of_erasers<by_moments, by_steer>(state, "of_steer"); }

void small(benchmark::internal::Benchmark* b) { b->ArgNames({"d", "n"})->UseManualTime()->Args({192, 256}); }
void sizes(benchmark::internal::Benchmark* b) { b->Apply(small)->Args({1024, 1024}); }

BENCHMARK(steer_form)->Name("leace/steer")->Apply(sizes);
BENCHMARK(products_form)->Name("leace/products")->Apply(small);
BENCHMARK(moments_form)->Name("leace/moments")->Apply(sizes);
BENCHMARK(symmetric_root_form)->Name("leace/symmetric_root")->Apply(small);

}  // namespace
