// A probe of fewer samples than dimensions: by the library, by the same Newton steps for the weights themselves, by a
// textbook L-BFGS to the same loss, and the limit: the inner products of the samples alone.
#include "steer/extract/probe.hpp"

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstddef>
#include <deque>
#include <utility>
#include <Eigen/Core>

#include "bound.hpp"
#include "contrast.hpp"
#include "in_turn.hpp"
#include "steer/extract/fit_logistic.hpp"
#include "steer/extract/probe_weights.hpp"

namespace {

struct problem {
  bench::contrast sides;
  steer::matrix<double> rows;  // [2 n, d], centred
  Eigen::VectorXd sign;        // [2 n]
  double least = 0.0;          // loss

  explicit problem(const benchmark::State& state)
      : sides(state.range(1), state.range(0)), rows(2 * state.range(1), state.range(0)), sign(2 * state.range(1)) {
    rows << sides.positive.cast<double>(), sides.negative.cast<double>();
    rows.rowwise() -= rows.colwise().mean().eval();
    sign << Eigen::VectorXd::Ones(state.range(1)), -Eigen::VectorXd::Ones(state.range(1));
    least = steer().loss;
  }

  [[nodiscard]] steer::probe steer() const { return steer::fit_probe(sides.positive, sides.negative); }
  [[nodiscard]] double columns() const {
    steer::detail::weights_of_columns<double> weights(rows, 1.0);
    return steer::detail::fit_logistic(weights, sign, steer::probe_options{}.steps).loss;
  }

  /// The loss of w and bias [d + 1], and its gradient.
  double loss_at(const Eigen::VectorXd& at, Eigen::VectorXd& gradient) const {
    const Eigen::Index d = rows.cols();
    const Eigen::ArrayXd margin = sign.array() * ((rows * at.head(d)).array() + at[d]);
    const Eigen::VectorXd pull = (-sign.array() / (1.0 + margin.exp())).matrix();
    gradient.resize(d + 1);
    gradient << rows.transpose() * pull + at.head(d), pull.sum();
    double loss = 0.5 * at.head(d).squaredNorm();
    for (const double t : margin) {
      loss += steer::detail::softplus_of_minus(t);
    }
    return loss;
  }
  /// Ten pairs of memory, steps halved until they gain, until within a millionth of the least loss.
  [[nodiscard]] double lbfgs() const {
    Eigen::VectorXd at = Eigen::VectorXd::Zero(rows.cols() + 1);
    Eigen::VectorXd gradient, next_gradient;
    double loss = loss_at(at, gradient);
    std::deque<std::pair<Eigen::VectorXd, Eigen::VectorXd>> memory;  // steps and what they did to the gradient
    for (int i = 0; i < 2000 && loss > (1.0 + 1e-6) * least; ++i) {
      Eigen::VectorXd way = -gradient;
      Eigen::VectorXd along(static_cast<Eigen::Index>(memory.size()));
      for (std::size_t j = memory.size(); j-- > 0;) {
        const auto& [s, y] = memory[j];
        along[static_cast<Eigen::Index>(j)] = s.dot(way) / s.dot(y);
        way -= along[static_cast<Eigen::Index>(j)] * y;
      }
      way *= memory.empty() ? 1.0 / gradient.norm()
                            : memory.back().first.dot(memory.back().second) / memory.back().second.squaredNorm();
      for (std::size_t j = 0; j < memory.size(); ++j) {
        const auto& [s, y] = memory[j];
        way += (along[static_cast<Eigen::Index>(j)] - y.dot(way) / s.dot(y)) * s;
      }
      double length = 1.0;
      double next = loss_at(at + way, next_gradient);
      while (!(next < loss) && length > 1e-10) {
        length *= 0.5;
        next = loss_at(at + length * way, next_gradient);
      }
      if ((next_gradient - gradient).dot(way) > 0.0) {
        memory.emplace_back(length * way, next_gradient - gradient);
      }
      if (memory.size() > 10) {
        memory.pop_front();
      }
      at += length * way;
      loss = next;
      gradient = next_gradient;
    }
    return loss;
  }
};

void by_steer(const problem& p) { benchmark::DoNotOptimize(p.steer().loss); }
void by_products(const problem& p) { bench::inner_products(p.rows); }

template <double (problem::*form)() const>
void against_steer(benchmark::State& state) {
  const problem p(state);
  if (std::abs((p.*form)() - p.least) > 2e-6 * p.least) {
    state.SkipWithError("the forms do not reach the same loss");
    return;
  }
  bench::race<problem>(state, "of_steer", [](const problem& q) { benchmark::DoNotOptimize((q.*form)()); }, by_steer);
}
void steer_form(benchmark::State& state) { bench::race<problem>(state, "of_products", by_steer, by_products); }
void products_form(benchmark::State& state) { bench::race<problem>(state, "of_steer", by_products, by_steer); }

void small(benchmark::internal::Benchmark* b) { b->ArgNames({"d", "n"})->UseManualTime()->Args({512, 100}); }
void sizes(benchmark::internal::Benchmark* b) { b->Apply(small)->Args({4096, 500}); }

BENCHMARK(steer_form)->Name("probe/steer")->Apply(sizes);
BENCHMARK(products_form)->Name("probe/products")->Apply(sizes);
BENCHMARK(against_steer<&problem::columns>)->Name("probe/columns")->Apply(small);
BENCHMARK(against_steer<&problem::lbfgs>)->Name("probe/lbfgs")->Apply(small);

}  // namespace
