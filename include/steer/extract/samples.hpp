// steer/extract/samples.hpp: what every method asks of its activations before it computes.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Activations in double, once they are enough and finite.
/// @shape  rows [n, d]; returns [n, d]
/// @throws numeric_error if there are fewer than `least` or one is not finite, shape_error if the width is 0; `who`
///         names the method and the side
template <class Rows>
matrix<double> samples(const Eigen::MatrixBase<Rows>& rows, Eigen::Index least, const std::string& who) {
  if (rows.cols() == 0) {
    throw shape_error(text(who, ": the samples have width 0; expected at least 1"));
  }
  if (rows.rows() < least) {
    throw numeric_error(text(who, ": has ", rows.rows(), rows.rows() == 1 ? " sample" : " samples",
                             "; the method needs at least ", least));
  }
  matrix<double> out = rows.template cast<double>();
  for (Eigen::Index i = 0; i < out.rows(); ++i) {
    if (!out.row(i).allFinite()) {
      throw numeric_error(text(who, ": sample ", i, " holds NaN or infinity"));
    }
  }
  return out;
}

/// Two sides of one width.
struct two_sides {
  matrix<double> positive;
  matrix<double> negative;

  [[nodiscard]] Eigen::Index width() const { return positive.cols(); }
  [[nodiscard]] Eigen::VectorXd difference() const {
    return (positive.colwise().mean() - negative.colwise().mean()).transpose();
  }
};

/// @throws as `samples`, and shape_error if the widths differ
template <class Positive, class Negative>
two_sides sides(const Eigen::MatrixBase<Positive>& positive, const Eigen::MatrixBase<Negative>& negative,
                Eigen::Index least, const std::string& who) {
  if (positive.cols() != negative.cols()) {
    throw shape_error(text(who, ": positive has width ", positive.cols(), ", negative has width ", negative.cols(),
                           "; expected the same"));
  }
  return {samples(positive, least, who + ", positive"), samples(negative, least, who + ", negative")};
}

/// @throws numeric_error if the sides have the same mean up to rounding: no linear method finds a direction then
inline void require_difference(const two_sides& both, const Eigen::VectorXd& difference, const std::string& who) {
  constexpr double rounding = 1e-12;
  const double scale = both.positive.colwise().mean().norm() + both.negative.colwise().mean().norm();
  if (difference.norm() <= rounding * scale) {
    throw numeric_error(text(who, ": the two sides have the same mean; a direction needs a norm above 0"));
  }
}

/// @throws numeric_error if all samples of a side are the same: it has no variance to measure against
inline void require_variance(const matrix<double>& rows, const std::string& who) {
  if (((rows.rowwise() - rows.row(0)).array() == 0.0).all()) {
    throw numeric_error(text(who, ": all ", rows.rows(), " samples are the same; the method needs their variance"));
  }
}

/// Rows in groups of equal ones: a text that comes twice is no second witness, so its copies stay on one side of every
/// split.
struct row_groups {
  std::vector<Eigen::Index> of;  ///< the group of each row, numbered in the order in which they first come
  Eigen::Index count = 0;
};

/// Groups pairs that are the same on both sides, bit by bit; for rows that are no pairs, both sides are the same matrix.
/// @shape  positive, negative [n, d]
/// @cost   O(n log n) comparisons of rows, most of which end at their first numbers
inline row_groups equal_rows(const Eigen::Ref<const matrix<float>>& positive,
                             const Eigen::Ref<const matrix<float>>& negative) {
  const auto bytes = static_cast<std::size_t>(positive.cols()) * sizeof(float);
  const auto compare = [&](Eigen::Index a, Eigen::Index b) {
    const int way = std::memcmp(positive.row(a).data(), positive.row(b).data(), bytes);
    return way != 0 ? way : std::memcmp(negative.row(a).data(), negative.row(b).data(), bytes);
  };
  std::vector<Eigen::Index> order(static_cast<std::size_t>(positive.rows()));
  std::iota(order.begin(), order.end(), Eigen::Index{0});
  std::sort(order.begin(), order.end(), [&](Eigen::Index a, Eigen::Index b) {
    const int way = compare(a, b);
    return way != 0 ? way < 0 : a < b;
  });
  std::vector<Eigen::Index> first(order.size());  // of the rows that equal each
  for (std::size_t i = 0; i < order.size(); ++i) {
    const bool repeats = i > 0 && compare(order[i - 1], order[i]) == 0;
    first[static_cast<std::size_t>(order[i])] = repeats ? first[static_cast<std::size_t>(order[i - 1])] : order[i];
  }
  row_groups out{std::vector<Eigen::Index>(order.size())};
  for (std::size_t i = 0; i < first.size(); ++i) {
    const auto earliest = static_cast<std::size_t>(first[i]);
    out.of[i] = earliest == i ? out.count++ : out.of[earliest];
  }
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
