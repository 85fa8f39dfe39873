// steer/extract/whitened_difference.hpp: the mean difference, seen through the covariance within the sides.
#pragma once

#include <cstdint>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/extract/sample_rows.hpp"
#include "steer/extract/samples.hpp"

namespace steer {
inline namespace v0 {

/// In which of two equal ways a covariance is inverted.
enum class solve_by : std::uint8_t {
  width,    ///< a system of d equations
  samples,  ///< a system of n + m equations; needs a shrinkage above 0
  fewer,    ///< the smaller of the two that can be solved
};

struct whitened_options {
  /// λ in S_λ = (1 - λ) S + λ (tr S / d) I, 0 to 1. At 0 nothing is shrunk, which needs more samples than dimensions;
  /// at 1 the mean difference is left.
  double shrinkage = 0.1;
  steer::solve_by solve_by = solve_by::fewer;
};

namespace detail {

STEER_API void require_shrinkage(const whitened_options& options);

/// `whitened_difference` of sides that are in double already, and `difference` that of their means.
STEER_API Eigen::VectorXd whitened(const two_sides& both, const Eigen::VectorXd& difference, whitened_options options);

}  // namespace detail

/// w = S_λ⁻¹ (mean(positive) - mean(negative)), S the pooled covariance within the sides, unbiased.
///
/// The direction that *reads* the concept best where both sides are normal with one covariance. To *write* it, the
/// plain difference is the candidate: `recipe.erase(read, write)` takes both.
///
/// @shape  positive [n, d], negative [m, d]; returns [d]
/// @throws shape_error if the widths differ; argument_error for a shrinkage outside 0 to 1; numeric_error for fewer
///         than 2 samples on a side, NaN, equal means, sides without variance, or a singular S
/// @cost   O((n + m) d² + d³), or O((n + m)² d + (n + m)³)
/// @source Fisher's discriminant; mass-mean probing of Marks & Tegmark 2023, arXiv:2310.06824; deviation: shrinkage
///         towards the mean variance, and the dual form by the Sherman-Morrison-Woodbury identity
STEER_API Eigen::VectorXd whitened_difference(const sample_rows& positive, const sample_rows& negative,
                                              whitened_options options = {});

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/whitened_difference.ipp"
#endif
