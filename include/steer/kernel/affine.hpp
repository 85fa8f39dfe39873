// steer/kernel/affine.hpp: edits that touch each number of one activation on its own. Rows of 16 bits are widened before.
#pragma once

#include <Eigen/Core>
#include <concepts>
#include <span>
#include <type_traits>

namespace steer {
inline namespace v0 {
namespace kernel {

namespace detail {

template <class Number>
auto numbers(std::span<Number> row) noexcept {
  using array = Eigen::Array<std::remove_const_t<Number>, Eigen::Dynamic, 1>;
  using kept = std::conditional_t<std::is_const_v<Number>, const array, array>;
  return Eigen::Map<kept>(row.data(), static_cast<Eigen::Index>(row.size()));
}

}  // namespace detail

/// h = factor h
/// @cost  d flops, one pass
template <std::floating_point Real>
void multiply(std::span<Real> h, std::type_identity_t<Real> factor) noexcept {
  detail::numbers(h) *= factor;
}

/// h = h + share (growth ∘ h + shift)
/// @shape  h, growth, shift [d]
/// @cost   4 d flops, one pass
template <std::floating_point Real>
void add_diagonal(std::span<Real> h, std::type_identity_t<Real> share,
                  std::span<const std::type_identity_t<Real>> growth,
                  std::span<const std::type_identity_t<Real>> shift) noexcept {
  auto row = detail::numbers(h);
  row += share * (detail::numbers(growth) * row + detail::numbers(shift));
}

/// h = h + share (target + shift - h)
/// @shape  h, target, shift [d]
/// @cost   4 d flops, one pass
template <std::floating_point Real>
void blend(std::span<Real> h, std::type_identity_t<Real> share, std::span<const std::type_identity_t<Real>> target,
           std::span<const std::type_identity_t<Real>> shift) noexcept {
  auto row = detail::numbers(h);
  const auto mapped = detail::numbers(target) + detail::numbers(shift);
  if (share == Real{1}) {
    row = mapped;
  } else {
    row += share * (mapped - row);
  }
}

}  // namespace kernel
}  // namespace v0
}  // namespace steer
