// steer/vector/conceptor.hpp: a soft projector on where activations lie.
#pragma once

#include <string>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/vector/affine_map.hpp"

namespace steer {
inline namespace v0 {

/// A symmetric matrix C with eigenvalues 0 to 1: near 1 where samples have much variance, near 0 where they have none.
///
/// Conceptors have NOT, AND and OR (see compose/boolean.hpp); they are no vectors and have neither sum nor multiple.
/// @shape matrix [d, d]
struct conceptor {
  Eigen::MatrixXd matrix = {};

  /// h' = C h, for `recipe::transform`, whose `share` says how far.
  STEER_API [[nodiscard]] dense_map map() const;
};

namespace detail {

/// How far a conceptor may be from what it is called.
inline constexpr double conceptor_rounding = 1e-9;

/// Whether all eigenvalues of a symmetric matrix lie in 0 to 1.
/// @cost O(d³ / 3), twice
STEER_API bool is_within_bounds(const Eigen::MatrixXd& symmetric);

}  // namespace detail

/// @throws shape_error if the matrix is empty or not square; numeric_error if it is not finite or not symmetric, or an
///         eigenvalue lies outside 0 to 1; `who` names it
/// @cost   O(d³), two Cholesky factorisations; the eigenvalues of one that is refused
STEER_API void check(const conceptor& c, const std::string& who);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/vector/conceptor.ipp"
#endif
