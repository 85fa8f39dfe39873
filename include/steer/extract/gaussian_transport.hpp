// steer/extract/gaussian_transport.hpp: the least move that gives samples another mean and covariance.
#pragma once

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <cmath>
#include <concepts>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/moments.hpp"
#include "steer/vector/affine_map.hpp"
#include "steer/vector/decomposition.hpp"

namespace steer {
inline namespace v0 {

struct gaussian_transport_options {
  /// Added to both covariances' diagonals, as a share of their mean variance. Above 0 wherever there are fewer samples
  /// than several times the width.
  double ridge = 1e-3;
};

namespace detail {

/// T with T S₁ T = S₂, symmetric and positive definite: S₁^-½ (S₁^½ S₂ S₁^½)^½ S₁^-½, found as L^-ᵀ (Lᵀ S₂ L)^½ L⁻¹ with
/// S₁ = L Lᵀ. The two are one, since only one such T exists; the second takes no root of S₁ and loses fewer digits.
/// @shape  s1, s2 [d, d], symmetric, positive definite; returns [d, d]
/// @throws numeric_error if S₁ is singular
/// @cost   a Cholesky and an eigendecomposition, and five products
template <std::same_as<double> Scalar>
Eigen::MatrixXd transport_between(const Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>& s1,
                                  const Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>& s2, const char* who) {
  const Eigen::LLT<Eigen::MatrixXd> first(s1);
  const double condition = first.info() == Eigen::Success ? first.rcond() : 0.0;
  if (!(condition > 1e-14)) {
    throw numeric_error(
        text({who, ": the source's covariance is singular (its reciprocal condition number is ", actual(condition),
              "); expected ", expected("more samples than dimensions and none constant, or a ridge above 0")}));
  }
  const auto lower = first.matrixL();
  const Eigen::MatrixXd right = s2 * Eigen::MatrixXd(lower);
  const Eigen::MatrixXd middle = Eigen::MatrixXd(lower).transpose() * right;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solved(0.5 * (middle + middle.transpose()));
  require_solved(solved.info(), who);
  const Eigen::VectorXd root = solved.eigenvalues().cwiseMax(0.0).cwiseSqrt().cwiseSqrt();
  const Eigen::MatrixXd half = first.matrixU().solve(solved.eigenvectors() * root.asDiagonal());  // L^-ᵀ Q Λ^¼
  const Eigen::MatrixXd out = half * half.transpose();
  return 0.5 * (out + out.transpose());
}

}  // namespace detail

/// h' = T (h - mean₁) + mean₂: carries a normal distribution with the source's moments onto one with the target's, with
/// the least mean squared distance.
///
/// @param from  moments of activations as they are
/// @param to    moments of activations as they should be distributed
/// @return for `recipe::transform`, whose `share` says how far
/// @throws shape_error if the widths differ; argument_error for a negative ridge, or moments without covariance;
///         numeric_error for fewer than 2 rows, a singular source without ridge, or numbers that overflow
/// @cost   O(d³), a Cholesky and an eigendecomposition
/// @source Singh et al. 2024, arXiv:2402.09631 (MiMiC); deviation: a ridge relative to the mean variance
template <std::same_as<moments> Moments>
dense_map gaussian_transport(const Moments& from, const Moments& to, gaussian_transport_options options = {}) {
  const char* const who = "gaussian_transport";
  if (from.width() != to.width()) {
    throw shape_error(detail::text({who, ": source has width ", detail::expected(from.width()), ", target has width ",
                                    detail::actual(to.width()), "; expected the same"}));
  }
  if (!(options.ridge >= 0.0 && std::isfinite(options.ridge))) {
    throw argument_error(detail::text({who, ": ridge is ", detail::actual(options.ridge), "; expected ",
                                       detail::expected("a finite number, not negative")}));
  }
  const auto regular = [&](const moments& seen) {
    Eigen::MatrixXd out = seen.covariance();
    out.diagonal().array() += options.ridge * out.trace() / static_cast<double>(out.rows());
    return out;
  };
  const Eigen::MatrixXd t = detail::transport_between(regular(from), regular(to), who);
  const Eigen::VectorXd shift = to.mean() - t * from.mean();
  dense_map out{t.cast<float>(), shift.cast<float>()};
  check(affine_map(out), who);
  return out;
}

}  // namespace v0
}  // namespace steer
