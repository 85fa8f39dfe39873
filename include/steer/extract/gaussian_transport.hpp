// steer/extract/gaussian_transport.hpp: the least move that gives samples another mean and covariance.
#pragma once

#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/extract/moments.hpp"
#include "steer/vector/affine_map.hpp"

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
STEER_API Eigen::MatrixXd transport_between(const Eigen::MatrixXd& s1, const Eigen::MatrixXd& s2, const char* who);

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
STEER_API dense_map gaussian_transport(const moments& from, const moments& to, gaussian_transport_options options = {});

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/gaussian_transport.ipp"
#endif
