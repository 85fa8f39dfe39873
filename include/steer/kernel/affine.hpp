// steer/kernel/affine.hpp: edits that touch each number of one activation on its own.
#pragma once

#include <Eigen/Core>
#include <concepts>
#include <span>
#include <type_traits>

#include "steer/kernel/scalar.hpp"

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
template <class Scalar, class Real = real_of<Scalar>>
  requires row_scalar<Scalar>
void multiply(std::span<Scalar> h, std::type_identity_t<Real> factor) noexcept {
  auto row = detail::numbers(h);
  row = (row.template cast<Real>() * factor).template cast<Scalar>();
}

/// h = h + share (growth ∘ h + shift)
/// @shape  h, growth, shift [d]
/// @cost   4 d flops, one pass
template <class Scalar, class Real = real_of<Scalar>>
  requires row_scalar<Scalar>
void add_diagonal(std::span<Scalar> h, std::type_identity_t<Real> share,
                  std::span<const std::type_identity_t<Real>> growth,
                  std::span<const std::type_identity_t<Real>> shift) noexcept {
  auto row = detail::numbers(h);
  row = (row.template cast<Real>() +
         share * (detail::numbers(growth) * row.template cast<Real>() + detail::numbers(shift)))
            .template cast<Scalar>();
}

/// h = h + share (target + shift - h)
/// @shape  h, target, shift [d]
/// @cost   4 d flops, one pass
template <class Scalar, class Real = real_of<Scalar>>
  requires row_scalar<Scalar>
void blend(std::span<Scalar> h, std::type_identity_t<Real> share, std::span<const std::type_identity_t<Real>> target,
           std::span<const std::type_identity_t<Real>> shift) noexcept {
  auto row = detail::numbers(h);
  const auto mapped = detail::numbers(target) + detail::numbers(shift);
  if (share == Real{1}) {
    row = mapped.template cast<Scalar>();
  } else {
    row = (row.template cast<Real>() + share * (mapped - row.template cast<Real>())).template cast<Scalar>();
  }
}

}  // namespace kernel
}  // namespace v0
}  // namespace steer
