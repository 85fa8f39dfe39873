// bound.hpp: what no program can beat on this machine: the arithmetic out of registers, or the bytes once in and out.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>
#include <Eigen/Core>

#include "in_turn.hpp"
#include "steer/kernel/packet.hpp"

namespace bench {

/// `count` multiplications and additions, fused where the machine can, on registers only.
template <class Real>
[[gnu::noinline]] void fused_multiplications(std::ptrdiff_t count) noexcept {
  using namespace steer::kernel::detail;
  constexpr std::ptrdiff_t chains = 12;  // enough for two units with a latency of four or five cycles
  const packet<Real> factor = broadcast(Real{0.5});
  const packet<Real> term = broadcast(Real{0.25});
  packet<Real> sums[chains];
  repeat<chains>([&](auto i) { sums[i] = broadcast(static_cast<Real>(i)); });
  for (std::ptrdiff_t i = 0; i < count; i += chains * lanes<Real>) {
    repeat<chains>([&](auto chain) { sums[chain] = Eigen::internal::pmadd(sums[chain], factor, term); });
  }
  packet<Real> all = sums[0];
  repeat<chains>([&](auto i) { all = Eigen::internal::padd(all, sums[i]); });
  benchmark::DoNotOptimize(Eigen::internal::predux(all));
}

/// Reads, changes and writes every number in place.
template <class Scalar>
void touch(std::span<Scalar> numbers) noexcept {
  using namespace steer::kernel::detail;
  using real = steer::kernel::real_of<Scalar>;
  constexpr std::ptrdiff_t turn = 4;  // unrolled: the speed of a shorter loop hangs on its address
  constexpr std::ptrdiff_t step = turn * lanes<real>;
  const packet<real> term = broadcast(static_cast<real>(0.01));
  clamp_count<Scalar> clamped;
  for (std::ptrdiff_t i = 0; i + step <= std::ssize(numbers); i += step) {
    repeat<turn>([&](auto p) {
      Scalar* const here = numbers.data() + i + p * lanes<real>;
      store(here, Eigen::internal::padd(load(here), term), clamped);
    });
  }
  benchmark::DoNotOptimize(clamped.total());
}

/// Reads every number once.
template <class Real>
void look(std::span<const Real> numbers) noexcept {
  using namespace steer::kernel::detail;
  constexpr std::ptrdiff_t turn = 8;
  packet<Real> sums[turn];
  repeat<turn>([&](auto p) { sums[p] = broadcast(Real{0}); });
  for (std::ptrdiff_t i = 0; i + turn * lanes<Real> <= std::ssize(numbers); i += turn * lanes<Real>) {
    repeat<turn>([&](auto p) { sums[p] = Eigen::internal::padd(sums[p], load(numbers.data() + i + p * lanes<Real>)); });
  }
  packet<Real> all = sums[0];
  repeat<turn>([&](auto p) { all = Eigen::internal::padd(all, sums[p]); });
  benchmark::DoNotOptimize(Eigen::internal::predux(all));
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
