// steer/extract/find_conceptor.ipp: the bodies of find_conceptor.hpp.
#pragma once

#include <cmath>
#include <utility>
#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/find_conceptor.hpp"
#include "steer/extract/moments.hpp"
#include "steer/extract/samples.hpp"
#include "steer/vector/conceptor.hpp"
#include "steer/vector/decomposition.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

inline double inverse_square(const conceptor_options& options) {
  const double out = 1.0 / (options.aperture * options.aperture);
  if (!(options.aperture > 0.0 && std::isfinite(options.aperture) && out > 0.0 && std::isfinite(out))) {
    throw argument_error(text({"find_conceptor: aperture is ", actual(options.aperture), "; expected ",
                               expected("a finite number above 0"), ", and its square too"}));
  }
  return out;
}

/// system⁻¹ right.
/// @throws numeric_error if it cannot: the samples span too few dimensions for so large an aperture
template <class Scalar>
Eigen::MatrixX<Scalar> solve_softened(const Eigen::MatrixX<Scalar>& system, const Eigen::MatrixX<Scalar>& right,
                                      const conceptor_options& options) {
  const Eigen::LLT<Eigen::MatrixX<Scalar>> factored(system);
  const double condition = factored.info() == Eigen::Success ? factored.rcond() : 0.0;
  if (!(condition > 1e-12)) {
    throw numeric_error(text({"find_conceptor: with aperture ", options.aperture,
                              " the reciprocal condition number is ", actual(condition), "; expected ",
                              expected("above 1e-12"), ": a smaller aperture, or samples in all dimensions"}));
  }
  return factored.solve(right);
}

/// What rounding has left of a conceptor, with eigenvalues of 0 to 1. A large aperture multiplies rounding by the condition.
template <class Scalar>
conceptor bounded(const Eigen::MatrixX<Scalar>& found) {
  Eigen::MatrixX<Scalar> out = 0.5 * (found + found.transpose());
  if (!is_within_bounds(out)) {
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixX<Scalar>> solved(out);
    require_solved(solved.info(), "find_conceptor");
    const Eigen::VectorX<Scalar> values = solved.eigenvalues().cwiseMax(0.0).cwiseMin(1.0);
    out = solved.eigenvectors() * values.asDiagonal() * solved.eigenvectors().transpose();
  }
  return {std::move(out)};
}

}  // namespace detail

STEER_BODY conceptor find_conceptor(const moments& seen, conceptor_options options) {
  const double softness = detail::inverse_square(options);
  const Eigen::Index d = seen.width();
  Eigen::MatrixX<Real> system = seen.correlation();
  system.diagonal().array() += softness;
  // R (R + a I)⁻¹ = I - a (R + a I)⁻¹, and symmetric in that form
  const Eigen::MatrixX<Real> identity = Eigen::MatrixX<Real>::Identity(d, d);
  Eigen::MatrixX<Real> out = -softness * detail::solve_softened(system, identity, options);
  out.diagonal().array() += 1.0;
  return detail::bounded(out);
}

STEER_BODY conceptor find_conceptor(const sample_rows& samples, conceptor_options options) {
  const double softness = detail::inverse_square(options);
  const matrix<Real> rows = detail::samples(samples, 1, "find_conceptor");
  if (rows.rows() >= rows.cols()) {
    moments seen(rows.cols());
    seen.update(rows);
    return find_conceptor(seen, options);
  }
  // Xᵀ X (Xᵀ X + n a I)⁻¹ = Xᵀ (X Xᵀ + n a I)⁻¹ X
  Eigen::MatrixX<Real> system = rows * rows.transpose();
  system.diagonal().array() += softness * static_cast<double>(rows.rows());
  const Eigen::MatrixX<Real> out =
      rows.transpose() * detail::solve_softened(system, Eigen::MatrixX<Real>(rows), options);
  return detail::bounded(out);
}

}  // namespace v0
}  // namespace steer
