// One layer's fit: by the library, by the textbook (the whole regression, then the singular vectors of what it foretells), and the
// limit: the inner products of the rows alone.
#include "steer/fit/fit_layer.hpp"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <random>
#include <variant>
#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/SVD>

#include "bound.hpp"
#include "in_turn.hpp"
#include "steer/core/matrix.hpp"
#include "toy.hpp"

namespace {

constexpr int rank = 4;

/// Rows, and where they are wanted: elsewhere by a map of low rank and noise.
struct problem {
  steer::matrix<float> now;
  steer::matrix<float> wanted;

  explicit problem(const benchmark::State& state) {
    std::mt19937_64 engine(5);
    const Eigen::Index d = state.range(0);
    const Eigen::Index n = state.range(1);
    now = toy::random_rows<float>(engine, n, d);
    wanted = now + 0.3F * (now * toy::random_rows<float>(engine, d, rank) * toy::random_rows<float>(engine, rank, d)) / static_cast<float>(d) +
             0.1F * toy::random_rows<float>(engine, n, d);
    wanted.rowwise() += 0.2F * Eigen::RowVectorXf::Ones(d);
  }

  [[nodiscard]] steer::layer_fit fit(steer::fit_kind kind) const {
    return steer::fit_layer(now, wanted, 0, "bench", {.kind = kind, .rank = rank}, {});
  }
  /// [d, d], what is added to a centred row.
  [[nodiscard]] Eigen::MatrixXd fitted_map() const {
    const steer::layer_fit found = fit(steer::fit_kind::affine);
    for (const steer::edit& each : found.recipe.edits()) {
      if (const auto* transform = std::get_if<steer::transform_edit>(&each.operation)) {
        const auto& map = std::get<steer::low_rank_map>(transform->map);
        return (map.read.transpose() * map.write).cast<double>();
      }
    }
    return {};
  }
  [[nodiscard]] Eigen::MatrixXd textbook_map() const {
    const steer::matrix<double> x = now.cast<double>().rowwise() - now.cast<double>().colwise().mean();
    const steer::matrix<double> missing = (wanted - now).cast<double>();
    const steer::matrix<double> y = missing.rowwise() - missing.colwise().mean();
    Eigen::MatrixXd square = x.transpose() * x;
    square.diagonal().array() += square.diagonal().mean();
    const Eigen::MatrixXd weights = square.ldlt().solve(x.transpose() * y);
    const Eigen::MatrixXd axes = Eigen::BDCSVD<Eigen::MatrixXd>(x * weights, Eigen::ComputeThinU | Eigen::ComputeThinV).matrixV().leftCols(rank);
    return weights * axes * axes.transpose();
  }
  void products() const {
    const steer::matrix<double> x = now.cast<double>();
    bench::inner_products(x.rows() < x.cols() ? x : steer::matrix<double>(x.transpose()));
  }
};

void by_products(const problem& p) { p.products(); }
void by_textbook(const problem& p) { benchmark::DoNotOptimize(p.textbook_map().data()); }
template <steer::fit_kind kind>
void by_steer(const problem& p) { benchmark::DoNotOptimize(p.fit(kind).explained); }

template <steer::fit_kind kind>
void steer_form(benchmark::State& state) { bench::race<problem>(state, "of_products", by_steer<kind>, by_products); }

void textbook_form(benchmark::State& state) {
  const problem p(state);
  if (!p.fitted_map().isApprox(p.textbook_map(), 1e-3)) {
    state.SkipWithError("the forms do not find the same map");
    return;
  }
  bench::race<problem>(state, "of_steer", by_textbook, by_steer<steer::fit_kind::affine>);
}

void small(benchmark::internal::Benchmark* b) { b->ArgNames({"d", "n"})->UseManualTime()->Args({128, 384}); }
void sizes(benchmark::internal::Benchmark* b) { b->Apply(small)->Args({576, 1800}); }

BENCHMARK(steer_form<steer::fit_kind::constant>)->Name("fit/constant")->Apply(sizes);
BENCHMARK(steer_form<steer::fit_kind::gated>)->Name("fit/gated")->Apply(sizes);
BENCHMARK(steer_form<steer::fit_kind::affine>)->Name("fit/affine")->Apply(sizes);
BENCHMARK(textbook_form)->Name("fit/textbook")->Apply(small);

}  // namespace
