// steer/extract/leace.hpp: the least change after which no linear classifier finds a concept.
#pragma once

#include <vector>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/moments.hpp"
#include "steer/extract/sample_rows.hpp"
#include "steer/extract/whitened_difference.hpp"
#include "steer/vector/affine_map.hpp"
#include "steer/vector/direction.hpp"

namespace steer {
inline namespace v0 {

/// h' = h - Δᵀ W (h - mean), an oblique projector: W Δᵀ = I, so W reads 0 afterwards (at the mean).
///
/// @shape read W, write Δ [k, d]; mean [d]
struct eraser {
  matrix<double> read = {};
  matrix<double> write = {};
  Eigen::VectorXd mean = {};

  /// What it does to one row.
  STEER_API [[nodiscard]] Eigen::VectorXd operator()(const Eigen::VectorXd& h) const;

  /// For `recipe::transform`.
  STEER_API [[nodiscard]] low_rank_map map() const;

  /// For `recipe::erase`, whose origin is `midpoint` then.
  STEER_API [[nodiscard]] std::vector<direction> readers() const;
  STEER_API [[nodiscard]] std::vector<direction> writers() const;
};

/// The eraser of any labels: numbers, or one column for each class. Afterwards no label has covariance with any
/// coordinate.
///
///     W = Uᵀ R⁻¹,  Δ = Uᵀ Rᵀ,  U an orthonormal basis of the range of R⁻¹ S_xz,  S = R Rᵀ
///
/// S is the rows' covariance. Every root R of it gives the same projector, so R is the Cholesky factor, whose cost is a
/// thirtieth of the symmetric root's; where S is singular or nearly so, R is the symmetric root and R⁻¹ its
/// pseudo-inverse, and rows outside its range are not touched.
///
/// @param seen  moments of rows [d] and labels [k], such as a recorder's texts and 1 or 0
/// @throws numeric_error for fewer than 2 rows, rows that are all the same, or labels that are constant or have no
///         covariance with the rows
/// @cost   O(d³ / 3 + d² k), without an inverse O(10 d³)
/// @source Belrose et al. 2023, arXiv:2306.03819; deviation: none
STEER_API eraser leace(const cross_moments& seen);

/// The eraser of one concept with two sides, by a single solve: Δ = δ, W = S⁻¹δ / (δᵀS⁻¹δ), δ the means' difference.
///
/// Equals `leace` with one label of two values: S within the sides gives the same projector as that of all samples.
/// With a shrinkage it erases as completely, also from fewer samples than dimensions, and moves rows a little more than
/// it must.
///
/// @param options  shrinkage of S, none by default
/// @shape  positive [n, d], negative [m, d]
/// @throws as `whitened_difference`
/// @cost   as `whitened_difference`: O((n + m) d² + d³ / 3) without a shrinkage
/// @source Belrose et al. 2023, arXiv:2306.03819, the case of rank one
STEER_API eraser binary_leace(const sample_rows& positive, const sample_rows& negative,
                              whitened_options options = {.shrinkage = 0.0});

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/leace.ipp"
#endif
