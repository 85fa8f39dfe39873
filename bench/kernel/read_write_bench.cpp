// k edits (half of them ablations, half set a coordinate) with one read and one write; the same edits one by one, as a
// matrix expression, and the machine's limit. Directions are in no way orthogonal: each edit feels those before it.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <type_traits>
#include <vector>
#include <Eigen/Core>

#include "bound.hpp"
#include "in_turn.hpp"
#include "sequential.hpp"
#include "steer/kernel/read.hpp"
#include "steer/kernel/write.hpp"

namespace {

namespace kernel = steer::kernel;

/// k unit directions, neighbours not orthogonal.
steer::matrix<double> random_frame(std::mt19937_64& engine, Eigen::Index k, Eigen::Index d) {
  std::normal_distribution<double> normal;
  steer::matrix<double> out = steer::matrix<double>::NullaryExpr(k, d, [&] { return normal(engine); });
  for (Eigen::Index j = 1; j < k; ++j) {
    out.row(j) += 0.2 * out.row(j - 1);
  }
  out.rowwise().normalize();
  return out;
}

std::vector<bench::simple_edit> some_edits(Eigen::Index k) {
  std::vector<bench::simple_edit> out(static_cast<std::size_t>(k));
  for (std::size_t j = 0; j < out.size(); ++j) {
    out[j] = j % 2 == 0 ? bench::simple_edit{bench::edit_kind::scale, 1.0}
                        : bench::simple_edit{bench::edit_kind::set, 0.5 + 0.1 * static_cast<double>(j)};
  }
  return out;
}

/// Edits in k dimensions: what each does to the coordinates of those after it is a row of the Gram matrix.
template <class Scalar>
class stack {
 public:
  using real = kernel::real_of<Scalar>;

  stack(const steer::matrix<double>& directions, const std::vector<bench::simple_edit>& edits)
      : strips_(directions),
        gram_((directions * directions.transpose()).template cast<real>()),
        factors_(directions.rows()),
        terms_(directions.rows()),
        c_(kernel::block_rows, directions.rows()) {
    for (Eigen::Index j = 0; j < directions.rows(); ++j) {
      const bench::simple_edit& e = edits[static_cast<std::size_t>(j)];
      const bool scale = e.kind == bench::edit_kind::scale;
      factors_[j] = static_cast<real>(scale ? -e.amount : -1.0);
      terms_[j] = static_cast<real>(scale ? 0.0 : e.amount);
    }
  }

  void operator()(std::span<Scalar* const> rows) noexcept {
    const auto at_once = static_cast<std::size_t>(kernel::rows_at_once(strips_.count()));
    for (std::size_t i = 0; i < rows.size(); i += at_once) {
      const auto block = rows.subspan(i, std::min(at_once, rows.size() - i));
      kernel::read(block, strips_, c_.data(), nullptr);
      for (std::size_t row = 0; row < block.size(); ++row) {
        decide(c_.row(static_cast<Eigen::Index>(row)).data());
      }
      kernel::write(block, strips_, c_.data(), nullptr);
    }
  }

  /// Coordinates become doses, in place.
  void decide(real* c) const noexcept {
    const Eigen::Index k = gram_.rows();
    for (Eigen::Index j = 0; j < k; ++j) {
      const real dose = factors_[j] * c[j] + terms_[j];
      c[j] = dose;
      const real* const felt = gram_.row(j).data();
      for (Eigen::Index later = j + 1; later < k; ++later) {
        c[later] += felt[later] * dose;
      }
    }
  }

  [[nodiscard]] const kernel::strips<real>& directions() const noexcept { return strips_; }

 private:
  kernel::strips<real> strips_;
  steer::matrix<real> gram_;
  Eigen::Array<real, Eigen::Dynamic, 1> factors_, terms_;
  steer::matrix<real> c_;  // [block_rows, k]
};

/// T rows and every way to edit them.
template <class Scalar>
struct problem {
  using real = kernel::real_of<Scalar>;

  std::mt19937_64 engine{1};
  steer::matrix<double> frame;  // [k, d]
  steer::matrix<real> plain;    // the same
  steer::matrix<Scalar> h;      // [T, d]
  std::vector<Scalar*> pointers;
  stack<Scalar> together;
  bench::sequential<Scalar> one_by_one;
  bench::bound<Scalar> limit;
  steer::matrix<real> z;

  problem(Eigen::Index d, Eigen::Index t, Eigen::Index k)
      : frame(random_frame(engine, k, d)),
        plain(frame.cast<real>()),
        h(steer::matrix<double>::NullaryExpr(t, d, [this] { return std::normal_distribution<double>{}(engine); })
              .template cast<Scalar>()),
        together(frame, some_edits(k)),
        one_by_one(frame, some_edits(k)),
        limit({h.data(), static_cast<std::size_t>(h.size())},
              {together.directions().data(), together.directions().bytes() / sizeof(real)}, 2 * k * d * t) {
    for (Eigen::Index i = 0; i < t; ++i) {
      pointers.push_back(h.row(i).data());
    }
  }

  [[nodiscard]] steer::rows<Scalar> view() { return {h.data(), h.rows(), h.cols(), h.cols(), {}}; }

  void steer() { together(pointers); }
  void sequential() { one_by_one(view()); }
  void row_by_row() { one_by_one.row_by_row(view()); }
  void bound() { limit(); }
  void eigen() {
    if constexpr (std::is_same_v<Scalar, real>) {
      z.noalias() = h * plain.transpose();
      for (Eigen::Index i = 0; i < z.rows(); ++i) {
        together.decide(z.row(i).data());
      }
      h.noalias() += z * plain;
    }
  }

  /// Whether they change the rows, and alike.
  [[nodiscard]] bool forms_agree(void (problem::*form)()) {
    const steer::matrix<Scalar> before = h;
    (this->*form)();
    const steer::matrix<double> by_form = h.template cast<double>();
    h = before;
    sequential();
    const steer::matrix<double> expected = h.template cast<double>();
    h = before;
    // In 16 bits, k edits one by one round k times.
    const double tolerance = std::is_same_v<Scalar, real> ? 1e-5 : std::is_same_v<Scalar, Eigen::half> ? 4e-3 : 3e-2;
    const bool alike =
        ((by_form - expected).rowwise().norm().array() <= tolerance * expected.rowwise().norm().array()).all();
    return alike && by_form != before.template cast<double>();
  }
};

/// A step of the clock: enough calls that reading it costs nothing beside them.
template <class Problem>
auto repeated(Problem& rows, void (Problem::*call)(), std::int64_t calls) {
  return [&rows, call, calls](std::size_t) {
    for (std::int64_t i = 0; i < calls; ++i) {
      (rows.*call)();
      benchmark::ClobberMemory();
    }
  };
}

template <auto form, auto base>
void against(benchmark::State& state, const char* ratio) {
  using rows = problem<float>;
  rows contestants(state.range(0), state.range(1), state.range(2));
  void (rows::*const contestant)() = form;
  if (contestant != &rows::bound && contestant != &rows::sequential && !contestants.forms_agree(contestant)) {
    state.SkipWithError("the rows differ from those edited one by one");
    return;
  }
  const std::int64_t calls = std::max<std::int64_t>(1, (1 << 22) / (contestants.h.size() * state.range(2)));
  bench::time_in_turn(
      state, ratio, {.calls_per_step = calls}, [] {}, repeated(contestants, contestant, calls),
      repeated(contestants, static_cast<void (rows::*)()>(base), calls));
}

template <auto form>
void of_sequential(benchmark::State& state) {
  against<form, &problem<float>::sequential>(state, "of_sequential");
}
template <auto form>
void of_bound(benchmark::State& state) {
  against<form, &problem<float>::bound>(state, "of_bound");
}

/// 16-bit rows beside 32-bit rows.
template <class Half>
void of_f32(benchmark::State& state) {
  problem<Half> half(state.range(0), state.range(1), state.range(2));
  problem<float> full(state.range(0), state.range(1), state.range(2));
  if (!half.forms_agree(&problem<Half>::steer)) {
    state.SkipWithError("the rows differ from those edited one by one");
    return;
  }
  const std::int64_t calls = std::max<std::int64_t>(1, (1 << 22) / (half.h.size() * state.range(2)));
  bench::time_in_turn(
      state, "of_f32", {.calls_per_step = calls}, [] {}, repeated(half, &problem<Half>::steer, calls),
      repeated(full, &problem<float>::steer, calls));
}

/// A batch whose rows follow recipes of their own: r frames of 8, row by row.
struct frames {
  std::vector<stack<float>> stacks;
  steer::matrix<float> h;  // [r, d]
  std::vector<float*> pointers;

  frames(Eigen::Index d, Eigen::Index r) {
    std::mt19937_64 engine{1};
    for (Eigen::Index i = 0; i < r; ++i) {
      stacks.emplace_back(random_frame(engine, 8, d), some_edits(8));
    }
    h = steer::matrix<double>::NullaryExpr(r, d, [&] {
          return std::normal_distribution<double>{}(engine);
        }).cast<float>();
    for (Eigen::Index i = 0; i < r; ++i) {
      pointers.push_back(h.row(i).data());
    }
  }

  void steer() {
    for (std::size_t i = 0; i < stacks.size(); ++i) {
      stacks[i](std::span<float* const>(&pointers[i], 1));
    }
  }
  /// The directions as often as they must pass, and the rows in place.
  void bound() {
    for (const stack<float>& s : stacks) {
      bench::look_twice<float>({s.directions().data(), s.directions().bytes() / sizeof(float)});
    }
    bench::touch<float>({h.data(), static_cast<std::size_t>(h.size())});
  }
};

void frames_of_bound(benchmark::State& state) {
  frames rows(state.range(0), state.range(1));
  bench::time_in_turn(
      state, "of_bound", {.calls_per_step = 1}, [] {}, repeated(rows, &frames::steer, 1),
      repeated(rows, &frames::bound, 1));
}

void sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"d", "T", "k"})->ArgsProduct({{2304, 4096}, {1, 64, 512}, {1, 8, 32}})->UseManualTime();
}

using rows = problem<float>;
BENCHMARK(of_sequential<&rows::steer>)->Name("read_write/steer")->Apply(sizes);
BENCHMARK(of_sequential<&rows::sequential>)->Name("read_write/sequential")->Apply(sizes);
BENCHMARK(of_sequential<&rows::row_by_row>)->Name("read_write/row_by_row")->Apply(sizes);
BENCHMARK(of_sequential<&rows::eigen>)->Name("read_write/eigen")->Apply(sizes);
BENCHMARK(of_sequential<&rows::bound>)->Name("read_write/bound")->Apply(sizes);
BENCHMARK(of_bound<&rows::steer>)->Name("read_write_limit/steer")->Apply(sizes);
BENCHMARK(of_f32<Eigen::half>)->Name("read_write/steer_f16")->Apply(sizes);
BENCHMARK(of_f32<Eigen::bfloat16>)->Name("read_write/steer_bf16")->Apply(sizes);
BENCHMARK(frames_of_bound)
    ->Name("read_write_frames/steer")
    ->ArgNames({"d", "r"})
    ->ArgsProduct({{4096}, {64}})
    ->UseManualTime();

}  // namespace
