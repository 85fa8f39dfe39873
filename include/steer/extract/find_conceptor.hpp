// steer/extract/find_conceptor.hpp: the conceptor of samples.
#pragma once

#include <concepts>
#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include "steer/core/error.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/moments.hpp"
#include "steer/extract/samples.hpp"
#include "steer/vector/conceptor.hpp"
#include "steer/vector/decomposition.hpp"

namespace steer {
inline namespace v0 {

struct conceptor_options {
  /// α: directions with a mean square above α⁻² are mostly kept, those below mostly not.
  double aperture = 1.0;
};

namespace detail {

STEER_API double inverse_square(const conceptor_options& options);

/// system⁻¹ right.
/// @throws numeric_error if it cannot: the samples span too few dimensions for so large an aperture
template <std::same_as<double> Scalar>
Eigen::MatrixXd solve_softened(const Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>& system,
                               const Eigen::MatrixXd& right, const conceptor_options& options) {
  const Eigen::LLT<Eigen::MatrixXd> factored(system);
  const double condition = factored.info() == Eigen::Success ? factored.rcond() : 0.0;
  if (!(condition > 1e-12)) {
    throw numeric_error(text({"find_conceptor: with aperture ", options.aperture,
                              " the reciprocal condition number is ", actual(condition), "; expected ",
                              expected("above 1e-12"), ": a smaller aperture, or samples in all dimensions"}));
  }
  return factored.solve(right);
}

/// What rounding has left of a conceptor, with eigenvalues of 0 to 1. A large aperture multiplies rounding by the condition.
template <std::same_as<double> Scalar>
conceptor bounded(const Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>& found) {
  conceptor out{0.5 * (found + found.transpose())};
  if (!is_within_bounds(out.matrix)) {
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solved(out.matrix);
    require_solved(solved.info(), "find_conceptor");
    const Eigen::VectorXd values = solved.eigenvalues().cwiseMax(0.0).cwiseMin(1.0);
    out.matrix = solved.eigenvectors() * values.asDiagonal() * solved.eigenvectors().transpose();
  }
  return out;
}

}  // namespace detail

/// C = R (R + α⁻² I)⁻¹, R = Σ h hᵀ / n about zero.
///
/// @throws argument_error for an aperture not above 0; numeric_error before the first row, or for an aperture so large
///         that R + α⁻² I is singular
/// @cost   O(d³)
/// @source Jaeger 2014, arXiv:1403.3369; for steering Postmus & Abreu 2024, arXiv:2410.16314; deviation: none
template <std::same_as<moments> Moments>
conceptor find_conceptor(const Moments& seen, conceptor_options options = {}) {
  const double softness = detail::inverse_square(options);
  const Eigen::Index d = seen.width();
  Eigen::MatrixXd system = seen.correlation();
  system.diagonal().array() += softness;
  // R (R + a I)⁻¹ = I - a (R + a I)⁻¹, and symmetric in that form
  Eigen::MatrixXd out = -softness * detail::solve_softened(system, Eigen::MatrixXd::Identity(d, d), options);
  out.diagonal().array() += 1.0;
  return detail::bounded(out);
}

/// The same of samples, in as many dimensions as there are samples where those are fewer.
///
/// @shape  samples [n, d]
/// @throws argument_error for an aperture not above 0; numeric_error for no sample, NaN, or too large an aperture
/// @cost   O(n d min(n, d) + min(n, d)³ + n d²)
template <class Rows>
conceptor find_conceptor(const Eigen::MatrixBase<Rows>& samples, conceptor_options options = {}) {
  const double softness = detail::inverse_square(options);
  const matrix<double> rows = detail::samples(samples, 1, "find_conceptor");
  if (rows.rows() >= rows.cols()) {
    moments seen(rows.cols());
    seen.observe(rows);
    return find_conceptor(seen, options);
  }
  // Xᵀ X (Xᵀ X + n a I)⁻¹ = Xᵀ (X Xᵀ + n a I)⁻¹ X
  Eigen::MatrixXd system = rows * rows.transpose();
  system.diagonal().array() += softness * static_cast<double>(rows.rows());
  const Eigen::MatrixXd out = rows.transpose() * detail::solve_softened(system, Eigen::MatrixXd(rows), options);
  return detail::bounded(out);
}

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/find_conceptor.ipp"
#endif
