// steer/extract/moments.hpp: means and covariances of activations that nobody keeps.
#pragma once

#include <cstdint>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/extract/sample_rows.hpp"

namespace steer {
inline namespace v0 {

/// What `moments` keep besides the mean.
enum class second_moments : std::uint8_t {
  variances,   ///< d numbers
  covariance,  ///< d² numbers
};

/// Count, mean and second moments of a stream of rows, in double.
///
///     steer::moments seen{width};
///     seen.update(batch);       // as often as there are batches
///     seen.merge(other_thread);  // each thread streams into moments of its own
///
/// A batch can be the texts of a recorder that is thrown away afterwards.
///
/// The same batches in the same order give the same bits. Another order, another cutting into batches or another order
/// of merging agree up to rounding, also where the mean is far from zero: squares are summed about the mean.
///
/// @cost   d² doubles of memory and O(n d²) for the covariance; d and O(n d) for variances
/// @source Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance", The American Statistician 37(3)
class moments {
 public:
  /// @throws shape_error if the width is below 1
  STEER_API explicit moments(Eigen::Index width, second_moments kept = second_moments::covariance);

  /// Adds rows of any scalar type.
  /// @shape  rows [n, d]
  /// @throws shape_error for another width; numeric_error naming the row for NaN or infinity, or if squares overflow;
  ///         nothing is added then
  STEER_API void update(const sample_rows& rows);

  /// As if every row that `other` has seen had been seen here.
  /// @throws shape_error for another width; argument_error if one keeps the covariance and the other does not;
  ///         numeric_error if squares overflow; nothing is added then
  STEER_API void merge(const moments& other);

  [[nodiscard]] Eigen::Index width() const noexcept { return mean_.size(); }
  [[nodiscard]] Eigen::Index count() const noexcept { return count_; }
  [[nodiscard]] second_moments kept() const noexcept { return kept_; }

  /// @throws numeric_error before the first row
  STEER_API [[nodiscard]] const Eigen::VectorXd& mean() const;

  /// Unbiased.
  /// @throws numeric_error below two rows
  STEER_API [[nodiscard]] Eigen::VectorXd variance() const;

  /// Unbiased, symmetric.
  /// @shape  returns [d, d]
  /// @throws numeric_error below two rows, argument_error if only variances were kept
  STEER_API [[nodiscard]] Eigen::MatrixXd covariance() const;

  /// Σ (h - mean)(h - mean)ᵀ
  /// @throws argument_error if only variances were kept
  STEER_API [[nodiscard]] const Eigen::MatrixXd& scatter() const;

  /// Σ h hᵀ / n, about zero.
  /// @throws as `covariance`, from one row on
  STEER_API [[nodiscard]] Eigen::MatrixXd correlation() const;

 private:
  /// Σ |h - mean|²
  STEER_API [[nodiscard]] double total() const;

  STEER_API void require(Eigen::Index least, const char* what) const;

  second_moments kept_;
  Eigen::Index count_ = 0;
  Eigen::VectorXd mean_;
  Eigen::MatrixXd squares_;  // about the mean; [d, d] or [d, 1]
};

/// Moments of rows and of what goes with each, such as labels, and the covariance between the two.
///
/// @cost   as `moments` with the covariance, and O(n d k)
class cross_moments {
 public:
  /// @throws shape_error if a width is below 1
  STEER_API cross_moments(Eigen::Index width, Eigen::Index label_width);

  /// @shape  rows [n, d], labels [n, k]
  /// @throws shape_error if the shapes do not fit; numeric_error for NaN or infinity, or if squares overflow; nothing is added
  ///         then
  STEER_API void update(const sample_rows& rows, const sample_rows& labels);

  /// @throws shape_error for other widths; numeric_error if squares overflow; nothing is added then
  STEER_API void merge(const cross_moments& other);

  [[nodiscard]] const moments& rows() const noexcept { return rows_; }
  [[nodiscard]] const moments& labels() const noexcept { return labels_; }

  /// Unbiased.
  /// @shape  returns [d, k]
  /// @throws numeric_error below two rows
  STEER_API [[nodiscard]] Eigen::MatrixXd cross_covariance() const;

 private:
  moments rows_;
  moments labels_;
  Eigen::MatrixXd cross_;  // [d, k], about the means
};

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/moments.ipp"
#endif
