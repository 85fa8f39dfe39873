// steer/kernel/norm.hpp: the length of an activation, also where its square leaves the range of the numbers.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "steer/kernel/rounded_product.hpp"
#include "steer/kernel/scalar.hpp"

namespace steer {
inline namespace v0 {
namespace kernel {

/// |h| from the |h|² that `functions::read` or `functions::squared_norm` gave.
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
    sum += rounded_product(part, part);
  }
  return rounded_product(largest, std::sqrt(sum));
}

}  // namespace kernel
}  // namespace v0
}  // namespace steer
