// steer/kernel/scalar.hpp: the numbers that rows consist of, and those that the loops compute in.
#pragma once

#include <concepts>
#include <type_traits>
#include <Eigen/Core>

namespace steer {
inline namespace v0 {
namespace kernel {

/// What an activation may consist of.
template <class Scalar>
concept row_scalar = std::same_as<Scalar, float> || std::same_as<Scalar, double> || std::same_as<Scalar, Eigen::half> ||
    std::same_as<Scalar, Eigen::bfloat16>;

/// What the loops compute in: double for double, float for everything narrower.
template <class Scalar>
using real_of = std::conditional_t<std::same_as<std::remove_const_t<Scalar>, double>, double, float>;

}  // namespace kernel
}  // namespace v0
}  // namespace steer
