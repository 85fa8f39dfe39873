// bound.hpp: what no program can beat on this machine: the arithmetic out of registers, or the bytes once in and out.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "in_turn.hpp"
#include "steer/kernel/functions_for.hpp"

namespace bench {

/// `count` multiplications and additions on registers only: as wide, and fused, as this program is compiled for. For the
/// machine's own limit configure with -D STEER_NATIVE=ON.
template <class Real>
[[gnu::noinline]] void fused_multiplications(std::ptrdiff_t count) noexcept {
  using packet = typename Eigen::internal::packet_traits<Real>::type;
  constexpr std::ptrdiff_t lanes = Eigen::internal::packet_traits<Real>::size;
  constexpr std::ptrdiff_t chains = 12;  // enough for two units with a latency of four or five cycles
  const packet factor = Eigen::internal::pset1<packet>(Real{0.5});
  const packet term = Eigen::internal::pset1<packet>(Real{0.25});
  packet sums[chains];
  for (std::ptrdiff_t i = 0; i < chains; ++i) {
    sums[i] = Eigen::internal::pset1<packet>(static_cast<Real>(i));
  }
  for (std::ptrdiff_t i = 0; i < count; i += chains * lanes) {
    [&]<std::size_t... chain>(std::index_sequence<chain...>) {
      ((sums[chain] = Eigen::internal::pmadd(sums[chain], factor, term)), ...);
    }
    (std::make_index_sequence<static_cast<std::size_t>(chains)>{});
  }
  packet all = sums[0];
  for (std::ptrdiff_t i = 0; i < chains; ++i) {
    all = Eigen::internal::padd(all, sums[i]);
  }
  benchmark::DoNotOptimize(Eigen::internal::predux(all));
}

/// Reads, changes and writes every number in place.
template <class Scalar>
void touch(std::span<Scalar> numbers) noexcept {
  static const auto loops = steer::kernel::functions_for<Scalar>(steer::best_instruction_set());
  benchmark::DoNotOptimize(loops.multiply(numbers, steer::kernel::real_of<Scalar>{-1}));
}

/// Reads every number once.
template <class Real>
void look(std::span<const Real> numbers) noexcept {
  static const auto loops = steer::kernel::functions_for<Real>(steer::best_instruction_set());
  benchmark::DoNotOptimize(loops.squared_norm(numbers));
}

/// All inner products of the rows, one triangle of them.
/// @shape rows [n, d]
template <class Rows>
void inner_products(const Eigen::MatrixBase<Rows>& rows) {
  Eigen::MatrixXd out = Eigen::MatrixXd::Zero(rows.rows(), rows.rows());
  out.selfadjointView<Eigen::Lower>().rankUpdate(rows);
  benchmark::DoNotOptimize(out.data());
}

/// The slower of the two limits of one call.
///
/// @shape rows: every number that is changed; directions: what must be read besides, once
template <class Scalar>
class bound {
 public:
  using real = steer::kernel::real_of<Scalar>;

  bound(std::span<Scalar> rows, std::span<const real> directions, std::ptrdiff_t multiplications)
      : rows_(rows), directions_(directions), multiplications_(multiplications) {
    std::array<double, 9> arithmetic{}, bytes{};
    for (std::size_t i = 0; i < arithmetic.size(); ++i) {
      arithmetic[i] = seconds_of([&] { repeat([&] { fused_multiplications<real>(multiplications_); }); });
      bytes[i] = seconds_of([&] { repeat([&] { move(); }); });
    }
    std::nth_element(arithmetic.begin(), arithmetic.begin() + 4, arithmetic.end());
    std::nth_element(bytes.begin(), bytes.begin() + 4, bytes.end());
    by_arithmetic_ = arithmetic[4] > bytes[4];
  }

  void operator()() const noexcept { by_arithmetic_ ? fused_multiplications<real>(multiplications_) : move(); }
  [[nodiscard]] bool by_arithmetic() const noexcept { return by_arithmetic_; }

 private:
  /// Often enough that the clock's own cost does not decide.
  template <class Act>
  void repeat(Act act) const noexcept {
    for (std::ptrdiff_t done = 0; done < (1 << 18); done += std::max<std::ptrdiff_t>(std::ssize(rows_), 1)) {
      act();
      benchmark::ClobberMemory();
    }
  }
  void move() const noexcept {
    look(directions_);
    touch(rows_);
  }

  std::span<Scalar> rows_;
  std::span<const real> directions_;
  std::ptrdiff_t multiplications_;
  bool by_arithmetic_ = false;
};

}  // namespace bench
