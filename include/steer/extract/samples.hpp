// steer/extract/samples.hpp: what every method asks of its activations before it computes.
#pragma once

#include <algorithm>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Sums over the rows, in double.
///
/// Eigen would sum one column after the other, and rows lie the other way: that takes some forty times as long as the
/// memory. Here eight rows at a time are read as they lie, and the sums, which stay in the cache, are touched once for
/// all eight.
/// @shape  rows [n, d]; returns [d]
template <class Rows>
Eigen::RowVectorXd column_sums(const Eigen::MatrixBase<Rows>& rows) {
  using scalar = typename Rows::Scalar;
  constexpr bool by_rows = (Rows::Flags & Eigen::RowMajorBit) != 0 && (Rows::Flags & Eigen::DirectAccessBit) != 0;
  if constexpr (!by_rows) {
    return rows.template cast<double>().colwise().sum();
  } else {
    constexpr Eigen::Index together = 8;
    constexpr Eigen::Index strip = 8;  // a constant count is what compilers vectorise without being asked to
    Eigen::RowVectorXd sums = Eigen::RowVectorXd::Zero(rows.cols());
    const Eigen::Index whole = rows.innerStride() == 1 ? rows.rows() - rows.rows() % together : 0;
    const Eigen::Index strips = rows.cols() - rows.cols() % strip;
    for (Eigen::Index i = 0; i < whole; i += together) {
      const scalar* const first = rows.derived().data() + i * rows.outerStride();
      const auto at = [&](Eigen::Index row, Eigen::Index j) {
        return static_cast<double>(first[row * rows.outerStride() + j]);
      };
      const auto add = [&](Eigen::Index j) {
        return ((at(0, j) + at(1, j)) + (at(2, j) + at(3, j))) + ((at(4, j) + at(5, j)) + (at(6, j) + at(7, j)));
      };
      for (Eigen::Index j = 0; j < strips; j += strip) {
        double part[strip];
        for (Eigen::Index l = 0; l < strip; ++l) {
          part[l] = add(j + l);
        }
        for (Eigen::Index l = 0; l < strip; ++l) {
          sums.data()[j + l] += part[l];
        }
      }
      for (Eigen::Index j = strips; j < rows.cols(); ++j) {
        sums[j] += add(j);
      }
    }
    for (Eigen::Index i = whole; i < rows.rows(); ++i) {
      sums += rows.row(i).template cast<double>();
    }
    return sums;
  }
}

/// @shape  rows [n, d], n >= 1; returns [d]
template <class Rows>
Eigen::RowVectorXd column_means(const Eigen::MatrixBase<Rows>& rows) {
  return column_sums(rows) / static_cast<double>(rows.rows());
}

/// @throws numeric_error if there are fewer rows than `least` or one is not finite, shape_error if the width is 0;
///         `who` names the method and the side
template <class Rows>
void require_samples(const Eigen::MatrixBase<Rows>& rows, Eigen::Index least, const std::string& who) {
  if (rows.cols() == 0) {
    throw shape_error(
        text({thing(who), ": the samples have width ", actual(0), "; expected ", expected("at least 1")}));
  }
  if (rows.rows() < least) {
    throw numeric_error(text({thing(who), ": has ", actual(rows.rows()), rows.rows() == 1 ? " sample" : " samples",
                              "; the method needs ", expected({"at least ", least})}));
  }
  using scalar = typename Rows::Scalar;
  if ((rows.array() * scalar(0)).sum() == scalar(0)) {  // 0 times NaN or infinity is NaN; `allFinite` is slower
    return;
  }
  for (Eigen::Index i = 0; i < rows.rows(); ++i) {
    if (!rows.row(i).allFinite()) {
      throw numeric_error(text({thing(who), ": sample ", i, " holds ", actual("NaN or infinity"), "; expected ",
                                expected("finite numbers")}));
    }
  }
}

/// Activations in double, once they are enough and finite.
/// @shape  rows [n, d]; returns [n, d]
/// @throws as `require_samples`
template <class Rows>
matrix<double> samples(const Eigen::MatrixBase<Rows>& rows, Eigen::Index least, const std::string& who) {
  require_samples(rows, least, who);
  return rows.template cast<double>();
}

/// @throws as `require_samples`, and shape_error if the widths differ
template <class Positive, class Negative>
void require_sides(const Eigen::MatrixBase<Positive>& positive, const Eigen::MatrixBase<Negative>& negative,
                   Eigen::Index least, const std::string& who) {
  if (positive.cols() != negative.cols()) {
    throw shape_error(text({thing(who), ": positive has width ", expected(positive.cols()), ", negative has width ",
                            actual(negative.cols()), "; expected the same"}));
  }
  require_samples(positive, least, who + ", positive");
  require_samples(negative, least, who + ", negative");
}

/// Two sides of one width.
struct two_sides {
  matrix<double> positive;
  matrix<double> negative;

  [[nodiscard]] Eigen::Index width() const { return positive.cols(); }
  [[nodiscard]] Eigen::VectorXd difference() const {
    return (column_means(positive) - column_means(negative)).transpose();
  }
};

/// @throws as `require_sides`
template <class Positive, class Negative>
two_sides sides(const Eigen::MatrixBase<Positive>& positive, const Eigen::MatrixBase<Negative>& negative,
                Eigen::Index least, const std::string& who) {
  require_sides(positive, negative, least, who);
  return {positive.template cast<double>(), negative.template cast<double>()};
}

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
