// One edit by a compiled plan, by naive Eigen, and the machine's limit: reading and writing the same rows once.
#include "steer/inject/plan.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>
#include <Eigen/Core>

#include "in_turn.hpp"
#include "steer/core/matrix.hpp"

namespace {

using rows_matrix = steer::matrix<float>;  // [T, d]

// The edits. Repeated on the same rows, none leaves the normal numbers: additions stop growing where the float's 24
// bits end or the cap is reached, and a component once removed stays removed.

struct add {
  static constexpr double tolerance = 0.0;
  static steer::recipe recipe(const steer::steering_vector& v) {
    return steer::recipe{}.add(v, {.unit = steer::strength_unit::raw});
  }
  static void eigen(rows_matrix& h, const Eigen::RowVectorXf& u) { h.rowwise() += u; }
};

struct add_of_row_norm {
  static constexpr float strength = 0.1F;
  static constexpr double tolerance = 1e-6;  // the norm is summed in another order
  static steer::recipe recipe(const steer::steering_vector& v) {
    return steer::recipe{}.add(v, {.strength = strength, .unit = steer::strength_unit::of_row_norm});
  }
  static void eigen(rows_matrix& h, const Eigen::RowVectorXf& u) {
    const float limit = steer::add_edit{}.cap * std::sqrt(static_cast<float>(h.cols()));
    const Eigen::VectorXf doses = strength * h.rowwise().norm().cwiseMin(limit);
    h.noalias() += doses * u;
  }
};

struct ablate {
  static constexpr double tolerance = 1e-6;  // the dot product is summed in another order
  static steer::recipe recipe(const steer::steering_vector& v) { return steer::recipe{}.ablate(v); }
  static void eigen(rows_matrix& h, const Eigen::RowVectorXf& u) {
    const Eigen::VectorXf components = h * u.transpose();
    h.noalias() -= components * u;
  }
};

/// Rows of a one-layer model, and an edit of them in its two forms.
template <class Edit>
struct problem {
  static constexpr steer::site where{0, steer::point::residual_out};

  rows_matrix h;                      // [T, d]
  Eigen::RowVectorXf u;               // [d]
  std::vector<steer::row_info> info;  // [T]
  steer::plan plan;

  problem(Eigen::Index d, Eigen::Index t) : info(static_cast<std::size_t>(t)) {
    std::mt19937_64 engine{1};
    std::normal_distribution<float> normal;
    const auto random = [&] { return normal(engine); };
    h = rows_matrix::NullaryExpr(t, d, random);
    u = Eigen::RowVectorXf::NullaryExpr(d, random).normalized();
    steer::model_shape shape;
    shape.name = "one layer";
    shape.layers = 1;
    shape.width = d;
    shape.points = {where.point};
    steer::steering_vector v{.name = "random"};
    v.directions[0] = {.values = u.transpose(), .row_norm = std::sqrt(static_cast<double>(d))};
    plan = steer::plan{Edit::recipe(v), shape};
  }

  void steer() { plan(where, steer::rows<float>{h.data(), h.rows(), h.cols(), h.cols(), info}); }
  void eigen() { Edit::eigen(h, u); }
  void touch() {
    using block = Eigen::Array<float, 32, 1>;  // unrolled: the speed of a shorter loop hangs on its address
    float* const numbers = h.data();
    const Eigen::Index count = h.size();
    for (Eigen::Index i = 0; i < count; i += block::SizeAtCompileTime) {
      Eigen::Map<block>(numbers + i) += 0.01F;
    }
  }

  /// Whether both forms change the rows, and alike.
  [[nodiscard]] bool forms_agree() {
    const rows_matrix before = h;
    steer();
    const rows_matrix by_steer = h;
    h = before;
    eigen();
    const auto distance = (by_steer - h).cast<double>().rowwise().norm().eval();
    const auto size = before.cast<double>().rowwise().norm().eval();
    return by_steer != before && (distance.array() <= Edit::tolerance * size.array()).all();
  }
};

template <class Edit, void (problem<Edit>::*form)()>
void against_touch(benchmark::State& state) {
  problem<Edit> rows(state.range(0), state.range(1));
  if (!rows.forms_agree()) {
    state.SkipWithError("steer and eigen do not give the same rows");
    return;
  }
  const std::int64_t calls = std::max<std::int64_t>(1, (1 << 20) / rows.h.size());
  const auto repeated = [&rows, calls](auto call) {
    return [&rows, calls, call](std::size_t) {
      for (std::int64_t i = 0; i < calls; ++i) {
        (rows.*call)();
        benchmark::ClobberMemory();
      }
    };
  };
  bench::time_in_turn(
      state, "of_touch", {.calls_per_step = calls}, [] {}, repeated(form), repeated(&problem<Edit>::touch));
}

void sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"d", "T"})->ArgsProduct({{64, 576, 4096}, {1, 64, 512}})->UseManualTime();
}

BENCHMARK(against_touch<add, &problem<add>::steer>)->Name("add/steer")->Apply(sizes);
BENCHMARK(against_touch<add, &problem<add>::eigen>)->Name("add/eigen")->Apply(sizes);
BENCHMARK(against_touch<add, &problem<add>::touch>)->Name("add/touch")->Apply(sizes);

BENCHMARK(against_touch<add_of_row_norm, &problem<add_of_row_norm>::steer>)
    ->Name("add_of_row_norm/steer")
    ->Apply(sizes);
BENCHMARK(against_touch<add_of_row_norm, &problem<add_of_row_norm>::eigen>)
    ->Name("add_of_row_norm/eigen")
    ->Apply(sizes);
BENCHMARK(against_touch<add_of_row_norm, &problem<add_of_row_norm>::touch>)
    ->Name("add_of_row_norm/touch")
    ->Apply(sizes);

BENCHMARK(against_touch<ablate, &problem<ablate>::steer>)->Name("ablate/steer")->Apply(sizes);
BENCHMARK(against_touch<ablate, &problem<ablate>::eigen>)->Name("ablate/eigen")->Apply(sizes);
BENCHMARK(against_touch<ablate, &problem<ablate>::touch>)->Name("ablate/touch")->Apply(sizes);

}  // namespace
