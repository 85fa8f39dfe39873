// steer/extract/low_rank_moments.hpp: means and covariances of activations too wide for d² numbers.
#pragma once

#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/moments.hpp"
#include "steer/extract/sample_rows.hpp"

namespace steer {
inline namespace v0 {

/// Count, mean and variances of a stream of rows as `moments` has them, and its scatter matrix up to a known error, in
/// 2 · rank · d numbers.
///
///     Σ (h - mean)(h - mean)ᵀ = FᵀF + E,  0 ≤ E ≤ error_bound() as a symmetric matrix
///
/// and the bound is at most the scatter outside its own first j directions, summed, over rank + 1 - j, for every j up to
/// rank. So rows that lie in `rank` dimensions or fewer are kept exactly, up to rounding; of others the strongest
/// directions are kept, each with a variance that is too small by at most the bound.
///
/// The same batches in the same order give the same bits. Other orders agree up to their bounds.
///
/// @cost   O(n d rank); d · 2 rank doubles of memory
/// @source frequent directions: Liberty 2013, arXiv:1206.0594, and Ghashami et al. 2016, arXiv:1501.01711; deviation: rows
///         are centred as they come, so that a batch adds one row for the way between the means (as in `moments`)
class low_rank_moments {
 public:
  /// @throws shape_error if the width or the rank is below 1
  STEER_API low_rank_moments(Eigen::Index width, Eigen::Index rank);

  /// @shape  rows [n, d]
  /// @throws shape_error for another width, numeric_error naming the row for NaN or infinity; nothing is added then
  STEER_API void update(const sample_rows& rows);

  /// As if every row that `other` has seen had been seen here, up to both bounds.
  /// @throws shape_error for another width or rank; numeric_error if squares overflow; nothing is added then
  STEER_API void merge(const low_rank_moments& other);

  [[nodiscard]] Eigen::Index width() const noexcept { return spread_.width(); }
  [[nodiscard]] Eigen::Index rank() const noexcept { return rank_; }
  [[nodiscard]] Eigen::Index count() const noexcept { return spread_.count(); }

  /// @throws numeric_error before the first row
  [[nodiscard]] const Eigen::VectorXd& mean() const { return spread_.mean(); }
  /// Unbiased and exact.
  /// @throws numeric_error below two rows
  [[nodiscard]] Eigen::VectorXd variance() const { return spread_.variance(); }

  /// F, for which FᵀF is the scatter up to the bound.
  /// @shape  returns [at most 2 rank - 1, d]; its rows are in no order
  [[nodiscard]] const matrix<double>& factor() const noexcept { return sketch_; }

  /// The most by which the scatter exceeds FᵀF along any unit direction.
  [[nodiscard]] double error_bound() const noexcept { return error_bound_; }

  /// FᵀF / (n - 1)
  /// @shape  returns [d, d]
  /// @throws numeric_error below two rows
  STEER_API [[nodiscard]] Eigen::MatrixXd covariance() const;

 private:
  moments spread_;
  Eigen::Index rank_;
  matrix<double> sketch_;  // [fewer than 2 rank, d]
  double error_bound_ = 0.0;
};

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/low_rank_moments.ipp"
#endif
