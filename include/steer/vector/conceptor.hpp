// steer/vector/conceptor.hpp: a soft projector on where activations lie.
#pragma once

#include <Eigen/Core>
#include <string>

#include "steer/core/error.hpp"
#include "steer/vector/affine_map.hpp"

namespace steer {
inline namespace v0 {

/// A symmetric matrix C with eigenvalues 0 to 1: near 1 where samples have much variance, near 0 where they have none.
///
/// Conceptors have NOT, AND and OR (see compose/boolean.hpp); they are no vectors and have neither sum nor multiple.
/// @shape matrix [d, d]
struct conceptor {
  Eigen::MatrixXd matrix = {};

  /// h' = C h, for `recipe::transform`, whose `blend` says how far.
  [[nodiscard]] dense_map map() const { return {matrix.cast<float>(), Eigen::VectorXf::Zero(matrix.rows())}; }
};

/// @throws shape_error if the matrix is empty or not square; numeric_error if it is not finite or not symmetric, or a
///         diagonal element lies outside 0 to 1; `who` names it
inline void check(const conceptor& c, const std::string& who) {
  if (c.matrix.rows() != c.matrix.cols() || c.matrix.size() == 0) {
    throw shape_error(detail::text(who, ": the conceptor is [", c.matrix.rows(), ", ", c.matrix.cols(),
                                   "]; expected square, not empty"));
  }
  if (!c.matrix.allFinite()) {
    throw numeric_error(detail::text(who, ": the conceptor holds NaN or infinity"));
  }
  constexpr double rounding = 1e-9;
  const double asymmetry = (c.matrix - c.matrix.transpose()).cwiseAbs().maxCoeff();
  const double least = c.matrix.diagonal().minCoeff();
  const double most = c.matrix.diagonal().maxCoeff();
  if (asymmetry > rounding || least < -rounding || most > 1.0 + rounding) {
    throw numeric_error(detail::text(who, ": the conceptor is asymmetric by ", asymmetry, " and has a diagonal from ",
                                     least, " to ", most, "; expected 0, and 0 to 1"));
  }
}

}  // namespace v0
}  // namespace steer
