// The principal component of centred differences: by the library, by a full singular value decomposition, by a power
// iteration on the matrix of width d, and the limit: the inner products of the samples alone.
#include "steer/extract/principal_component.hpp"

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstddef>
#include <Eigen/Core>
#include <Eigen/SVD>

#include "bound.hpp"
#include "contrast.hpp"
#include "in_turn.hpp"

namespace {

struct problem {
  bench::contrast sides;

  explicit problem(const benchmark::State& state) : sides(state.range(1), state.range(0)) {}

  template <class Scalar>
  [[nodiscard]] steer::matrix<Scalar> centred() const {
    steer::matrix<Scalar> out = (sides.positive - sides.negative).cast<Scalar>();
    out.rowwise() -= (Eigen::RowVectorX<Scalar>::Ones(out.rows()) * out / static_cast<Scalar>(out.rows())).eval();
    return out;
  }
  [[nodiscard]] Eigen::VectorXd steer() const {
    return steer::principal_component(sides.positive, sides.negative, {.of = steer::component_of::centred_differences}).v;
  }
  [[nodiscard]] Eigen::VectorXd svd() const {
    return Eigen::BDCSVD<Eigen::MatrixXd>(centred<double>(), Eigen::ComputeThinU | Eigen::ComputeThinV).matrixV().col(0);
  }
  /// In float, at most 1000 times or until a step moves the vector by less than 1e-7, as llama.cpp's generator of
  /// control vectors means to.
  [[nodiscard]] Eigen::VectorXd power() const {
    const steer::matrix<float> rows = centred<float>();
    const Eigen::MatrixXf square = rows.transpose() * rows;
    Eigen::VectorXf v = Eigen::VectorXf::Ones(rows.cols()).normalized();
    float moved = 1.0F;
    for (int i = 0; i < 1000 && !(moved < 1e-7F); ++i) {
      const Eigen::VectorXf next = (square * v).normalized();
      moved = (next - v).norm();
      v = next;
    }
    return v.cast<double>();
  }
  void products() const {
    bench::inner_products(steer::matrix<double>((sides.positive - sides.negative).cast<double>()));
  }
};

void by_steer(const problem& p) { benchmark::DoNotOptimize(p.steer().data()); }
void by_products(const problem& p) { p.products(); }

template <Eigen::VectorXd (problem::*form)() const>
void against_steer(benchmark::State& state) {
  const problem p(state);
  if (std::abs(p.steer().dot((p.*form)())) < 1.0 - 1e-5) {
    state.SkipWithError("the forms do not find the same component");
    return;
  }
  bench::race<problem>(state, "of_steer", [](const problem& q) { benchmark::DoNotOptimize((q.*form)().data()); }, by_steer);
}

void steer_form(benchmark::State& state) { bench::race<problem>(state, "of_products", by_steer, by_products); }
void products_form(benchmark::State& state) { bench::race<problem>(state, "of_steer", by_products, by_steer); }

void small(benchmark::internal::Benchmark* b) { b->ArgNames({"d", "n"})->UseManualTime()->Args({512, 96}); }
void sizes(benchmark::internal::Benchmark* b) { b->Apply(small)->Args({4096, 512}); }

BENCHMARK(steer_form)->Name("principal_component/steer")->Apply(sizes);
BENCHMARK(products_form)->Name("principal_component/products")->Apply(sizes);
BENCHMARK(against_steer<&problem::svd>)->Name("principal_component/svd")->Apply(small);
BENCHMARK(against_steer<&problem::power>)->Name("principal_component/power")->Apply(small);

}  // namespace
