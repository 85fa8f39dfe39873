// steer/kernel/row.hpp: the loops that run over one activation. Nothing here allocates, throws or checks.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <span>
#include <type_traits>
#include <Eigen/Core>

#include "steer/kernel/packet.hpp"

namespace steer {
inline namespace v0 {
namespace kernel {
namespace detail {

/// Packets that a turn of a loop handles: enough to hide the latency of the additions.
inline constexpr std::ptrdiff_t turn_packets = 4;

/// h = change(h, w), a packet at a time.
/// @return how many numbers were clamped
template <class Scalar, class Change>
[[gnu::always_inline]] inline std::size_t change_row(std::span<Scalar> h, const real_of<Scalar>* w,
                                                     Change change) noexcept {
  using Real = real_of<Scalar>;
  constexpr std::ptrdiff_t step = lanes<Real>;
  const auto d = std::ssize(h);
  Scalar* const to = h.data();
  std::ptrdiff_t column = 0;
  clamp_count<Scalar> clamped;
  const auto one = [&](auto p) {
    store(to + column + p * step, change(load(to + column + p * step), load(w + column + p * step)), clamped);
  };
  for (; column + turn_packets * step <= d; column += turn_packets * step) {
    repeat<turn_packets>(one);
  }
  for (; column + step <= d; column += step) {
    repeat<1>(one);
  }
  if (column < d) {
    std::array<Scalar, static_cast<std::size_t>(step)> end{};
    std::array<Real, static_cast<std::size_t>(step)> w_end{};
    std::copy(to + column, to + d, end.begin());
    std::copy(w + column, w + d, w_end.begin());
    store(end.data(), change(load(end.data()), load(w_end.data())), clamped);
    std::copy(end.begin(), end.begin() + (d - column), to + column);
  }
  return clamped.total();
}

}  // namespace detail

/// h += factor * w
/// @shape  h, w [d]; unaligned and of any width
/// @return how many numbers 16 bits cannot hold; they become the largest finite ones
/// @cost   2 d flops, one pass; rows of 16 bits are computed in float and rounded once
template <row_scalar Scalar>
[[gnu::noinline]] std::size_t add(std::span<Scalar> h, real_of<Scalar> factor,
                                  std::span<const real_of<Scalar>> w) noexcept {
  const auto doses = detail::broadcast(factor);
  return detail::change_row(h, w.data(), [&](const auto& numbers, const auto& direction) {
    return Eigen::internal::pmadd(doses, direction, numbers);
  });
}

/// h += w
template <row_scalar Scalar>
[[gnu::noinline]] std::size_t add(std::span<Scalar> h, std::span<const real_of<Scalar>> w) noexcept {
  return detail::change_row(h, w.data(), [](const auto& numbers, const auto& direction) {
    return Eigen::internal::padd(numbers, direction);
  });
}

/// u . h
template <row_scalar Scalar>
[[nodiscard, gnu::noinline]] real_of<Scalar> dot(std::span<const real_of<Scalar>> u,
                                                 std::span<const Scalar> h) noexcept {
  using namespace detail;
  using Real = real_of<Scalar>;
  constexpr std::ptrdiff_t step = lanes<Real>;
  const auto d = std::ssize(h);
  packet<Real> sums[turn_packets];
  repeat<turn_packets>([&](auto p) { sums[p] = broadcast(Real{0}); });
  std::ptrdiff_t column = 0;
  const auto one = [&](auto p) {
    sums[p] = Eigen::internal::pmadd(load(h.data() + column + p * step), load(u.data() + column + p * step), sums[p]);
  };
  for (; column + turn_packets * step <= d; column += turn_packets * step) {
    repeat<turn_packets>(one);
  }
  for (; column + step <= d; column += step) {
    repeat<1>(one);
  }
  Real sum = Eigen::internal::predux(
      Eigen::internal::padd(Eigen::internal::padd(sums[0], sums[1]), Eigen::internal::padd(sums[2], sums[3])));
  for (; column < d; ++column) {
    sum += u[static_cast<std::size_t>(column)] * static_cast<Real>(h[static_cast<std::size_t>(column)]);
  }
  return sum;
}

/// |h| from the |h|^2 that `read` gave, also where the squares leave the range of the numbers.
/// @cost  a square root; two passes where a square would overflow or all would underflow
template <row_scalar Scalar>
[[nodiscard]] real_of<Scalar> norm(std::span<const Scalar> h, real_of<Scalar> squares) noexcept {
  using Real = real_of<Scalar>;
  using limits = std::numeric_limits<Real>;
  if (squares > limits::min() / limits::epsilon() && squares < limits::infinity()) {
    return std::sqrt(squares);
  }
  if (std::isnan(squares)) {
    return squares;
  }
  Real largest{0};
  for (const Scalar number : h) {
    largest = std::max(largest, std::abs(static_cast<Real>(number)));
  }
  if (!(largest > Real{0}) || !std::isfinite(largest)) {
    return largest;
  }
  Real sum{0};
  for (const Scalar number : h) {
    const Real part = static_cast<Real>(number) / largest;
    sum += part * part;
  }
  return largest * std::sqrt(sum);
}

/// |h|^2, which may leave the range of the numbers.
template <row_scalar Scalar>
[[nodiscard]] real_of<Scalar> squared_norm(std::span<const Scalar> h) noexcept {
  using namespace detail;
  using Real = real_of<Scalar>;
  constexpr std::ptrdiff_t step = lanes<Real>;
  const auto d = std::ssize(h);
  packet<Real> sums[turn_packets];
  repeat<turn_packets>([&](auto p) { sums[p] = broadcast(Real{0}); });
  std::ptrdiff_t column = 0;
  const auto one = [&](auto p) {
    const packet<Real> numbers = load(h.data() + column + p * step);
    sums[p] = Eigen::internal::pmadd(numbers, numbers, sums[p]);
  };
  for (; column + turn_packets * step <= d; column += turn_packets * step) {
    repeat<turn_packets>(one);
  }
  for (; column + step <= d; column += step) {
    repeat<1>(one);
  }
  Real squares = Eigen::internal::predux(
      Eigen::internal::padd(Eigen::internal::padd(sums[0], sums[1]), Eigen::internal::padd(sums[2], sums[3])));
  for (; column < d; ++column) {
    const auto number = static_cast<Real>(h[static_cast<std::size_t>(column)]);
    squares += number * number;
  }
  return squares;
}

/// |h|, also where the squares leave the range of the numbers.
/// @cost  one pass; three where a square would overflow or all would underflow
template <row_scalar Scalar>
[[nodiscard]] real_of<Scalar> norm(std::span<const Scalar> h) noexcept {
  return norm<Scalar>(h, squared_norm<Scalar>(h));
}

/// numbers = h, as it is computed in.
/// @shape  h, numbers [d]
template <row_scalar Scalar>
void widen_row(std::span<const Scalar> h, real_of<Scalar>* numbers) noexcept {
  using namespace detail;
  constexpr std::ptrdiff_t step = lanes<real_of<Scalar>>;
  const auto d = std::ssize(h);
  std::ptrdiff_t column = 0;
  for (; column + step <= d; column += step) {
    Eigen::internal::pstoreu(numbers + column, load(h.data() + column));
  }
  for (; column < d; ++column) {
    numbers[column] = static_cast<real_of<Scalar>>(h[static_cast<std::size_t>(column)]);
  }
}

/// h = numbers, rounded once. A row that equals them keeps its bits.
/// @shape  h, numbers [d]
/// @return how many numbers 16 bits cannot hold; they become the largest finite ones
template <row_scalar Scalar>
std::size_t narrow_row(const real_of<Scalar>* numbers, std::span<Scalar> h) noexcept {
  using namespace detail;
  using Real = real_of<Scalar>;
  constexpr std::ptrdiff_t step = lanes<Real>;
  const auto d = std::ssize(h);
  const auto same = [&](std::ptrdiff_t column, std::size_t count) {
    std::array<Real, static_cast<std::size_t>(step)> held{};
    widen_row(std::span<const Scalar>(h.data() + column, count), held.data());
    return std::memcmp(held.data(), numbers + column, count * sizeof(Real)) == 0;
  };
  std::ptrdiff_t column = 0;
  while (column + step <= d && same(column, static_cast<std::size_t>(step))) {
    column += step;
  }
  if (column + step > d && same(column, static_cast<std::size_t>(d - column))) {
    return 0;
  }
  clamp_count<Scalar> clamped;
  for (column = 0; column + step <= d; column += step) {
    store(h.data() + column, load(numbers + column), clamped);
  }
  if (column < d) {
    std::array<Scalar, static_cast<std::size_t>(step)> end{};
    std::array<Real, static_cast<std::size_t>(step)> last{};
    std::copy(numbers + column, numbers + d, last.begin());
    store(end.data(), load(last.data()), clamped);
    std::copy(end.begin(), end.begin() + (d - column), h.begin() + column);
  }
  return clamped.total();
}

}  // namespace kernel
}  // namespace v0
}  // namespace steer
