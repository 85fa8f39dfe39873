// steer/extract/samples.hpp: what every method asks of its activations before it computes.
#pragma once

#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/sample_rows.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Sums over the rows, in double.
///
/// Eigen would sum one column after the other, and rows lie the other way: that takes some forty times as long as the
/// memory. Here eight rows at a time are read as they lie, and the sums, which stay in the cache, are touched once for
/// all eight.
/// @shape  rows [n, d]; returns [d]
STEER_API Eigen::RowVectorXd column_sums(const sample_rows& rows);

/// @shape  rows [n, d], n >= 1; returns [d]
STEER_API Eigen::RowVectorXd column_means(const sample_rows& rows);

/// @shape  returns [n, d]
STEER_API matrix<double> in_double(const sample_rows& rows);

/// @throws numeric_error if there are fewer rows than `least` or one is not finite, shape_error if the width is 0;
///         `who` names the method and the side
STEER_API void require_samples(const sample_rows& rows, Eigen::Index least, const std::string& who);

/// Activations in double, once they are enough and finite.
/// @shape  rows [n, d]; returns [n, d]
/// @throws as `require_samples`
STEER_API matrix<double> samples(const sample_rows& rows, Eigen::Index least, const std::string& who);

/// @throws as `require_samples`, and shape_error if the widths differ
STEER_API void require_sides(const sample_rows& positive, const sample_rows& negative, Eigen::Index least,
                             const std::string& who);

/// Two sides of one width.
struct two_sides {
  matrix<double> positive;
  matrix<double> negative;

  [[nodiscard]] Eigen::Index width() const { return positive.cols(); }
  STEER_API [[nodiscard]] Eigen::VectorXd difference() const;
};

/// @throws as `require_sides`
STEER_API two_sides sides(const sample_rows& positive, const sample_rows& negative, Eigen::Index least,
                          const std::string& who);

/// @throws numeric_error if the sides have the same mean up to rounding: no linear method finds a direction then; or if squares
///         overflow
STEER_API void require_difference(const two_sides& both, const Eigen::VectorXd& difference, const std::string& who);

/// @throws numeric_error if all samples of a side are the same: it has no variance to measure against
STEER_API void require_variance(const matrix<double>& rows, const std::string& who);

/// Rows in groups of equal ones: a text that comes twice is no second witness, so its copies stay on one side of every
/// split.
struct row_groups {
  std::vector<Eigen::Index> of;  ///< the group of each row, numbered in the order in which they first come
  Eigen::Index count = 0;
};

/// Groups pairs that are the same on both sides, bit by bit; for rows that are no pairs, both sides are the same matrix.
/// @shape  positive, negative [n, d]
/// @cost   O(n log n) comparisons of rows, most of which end at their first numbers
STEER_API row_groups equal_rows(const Eigen::Ref<const matrix<float>>& positive,
                                const Eigen::Ref<const matrix<float>>& negative);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/samples.ipp"
#endif
