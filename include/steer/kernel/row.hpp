// steer/kernel/row.hpp: the loops that run over one activation. Nothing here allocates, throws or checks.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <concepts>
#include <limits>
#include <span>

namespace steer {
inline namespace v0 {
namespace kernel {

template <class Scalar>
using row_map = Eigen::Map<Eigen::Array<std::remove_const_t<Scalar>, Eigen::Dynamic, 1>>;
template <class Scalar>
using const_row_map = Eigen::Map<const Eigen::Array<std::remove_const_t<Scalar>, Eigen::Dynamic, 1>>;

/// h += factor * w
/// @shape  h, w [d]; unaligned and of any width
/// @cost   2 d flops, one pass
template <std::floating_point Scalar>
void add(std::span<Scalar> h, Scalar factor, std::span<const Scalar> w) noexcept {
  const auto d = static_cast<Eigen::Index>(h.size());
  row_map<Scalar>(h.data(), d) += factor * const_row_map<Scalar>(w.data(), d);
}

/// h += w
template <std::floating_point Scalar>
void add(std::span<Scalar> h, std::span<const Scalar> w) noexcept {
  const auto d = static_cast<Eigen::Index>(h.size());
  row_map<Scalar>(h.data(), d) += const_row_map<Scalar>(w.data(), d);
}

/// u . h
template <std::floating_point Scalar>
[[nodiscard]] Scalar dot(std::span<const Scalar> u, std::span<const Scalar> h) noexcept {
  const auto d = static_cast<Eigen::Index>(h.size());
  return (const_row_map<Scalar>(u.data(), d) * const_row_map<Scalar>(h.data(), d)).sum();
}

/// |h|, also where the squares leave the range of the numbers.
/// @cost  one pass; three where a square would overflow or all would underflow
template <std::floating_point Scalar>
[[nodiscard]] Scalar norm(std::span<const Scalar> h) noexcept {
  using limits = std::numeric_limits<Scalar>;
  const Scalar squares = dot(h, h);
  if (squares > limits::min() / limits::epsilon() && squares < limits::infinity()) {
    return std::sqrt(squares);
  }
  if (std::isnan(squares)) {
    return squares;
  }
  const auto size = static_cast<Eigen::Index>(h.size());
  const const_row_map<Scalar> row(h.data(), size);
  const Scalar largest = size == 0 ? Scalar{0} : row.abs().maxCoeff();
  if (!(largest > Scalar{0}) || !std::isfinite(largest)) {
    return largest;
  }
  return largest * std::sqrt((row / largest).square().sum());
}

}  // namespace kernel
}  // namespace v0
}  // namespace steer
