// steer/vector/conceptor.hpp: a soft projector on where activations lie.
#pragma once

#include <algorithm>
#include <concepts>
#include <string>
#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include "steer/core/error.hpp"
#include "steer/core/linkage.hpp"
#include "steer/vector/affine_map.hpp"
#include "steer/vector/decomposition.hpp"

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
template <std::same_as<double> Scalar>
bool is_within_bounds(const Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>& symmetric) {
  const auto positive = [&](double sign, double shift) {
    Eigen::MatrixXd shifted = sign * symmetric;
    shifted.diagonal().array() += shift + conceptor_rounding;
    return Eigen::LLT<Eigen::MatrixXd>(shifted).info() == Eigen::Success;
  };
  return positive(1.0, 0.0) && positive(-1.0, 1.0);
}

}  // namespace detail

/// @throws shape_error if the matrix is empty or not square; numeric_error if it is not finite or not symmetric, or an
///         eigenvalue lies outside 0 to 1; `who` names it
/// @cost   O(d³), two Cholesky factorisations; the eigenvalues of one that is refused
template <std::same_as<conceptor> Conceptor = conceptor>
void check(const Conceptor& c, const std::string& who) {
  using detail::actual;
  using detail::expected;
  if (c.matrix.rows() != c.matrix.cols() || c.matrix.size() == 0) {
    throw shape_error(detail::text({detail::thing(who), ": the conceptor is ",
                                    actual({"[", c.matrix.rows(), ", ", c.matrix.cols(), "]"}), "; expected ",
                                    expected("square, not empty")}));
  }
  if (!c.matrix.allFinite()) {
    throw numeric_error(detail::text({detail::thing(who), ": the conceptor holds ", actual("NaN or infinity"),
                                      "; expected ", expected("finite numbers")}));
  }
  const double asymmetry = (c.matrix - c.matrix.transpose()).cwiseAbs().maxCoeff();
  if (asymmetry > detail::conceptor_rounding) {
    throw numeric_error(detail::text(
        {detail::thing(who), ": the conceptor is asymmetric by ", actual(asymmetry), "; expected ", expected(0)}));
  }
  if (!detail::is_within_bounds(c.matrix)) {
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solved(c.matrix, Eigen::EigenvaluesOnly);
    detail::require_solved(solved.info(), who);
    const double least = solved.eigenvalues().minCoeff();
    const double most = solved.eigenvalues().maxCoeff();
    throw numeric_error(
        detail::text({detail::thing(who), ": the conceptor has eigenvalues from ", actual({least, " to ", most}),
                      ", by ", std::max(-least, most - 1.0), " outside; expected ", expected("0 to 1")}));
  }
}

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/vector/conceptor.ipp"
#endif
