// steer/extract/samples.hpp: what every method asks of its activations before it computes.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
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

/// The first pair of rows, earlier and later, that are the same on both sides; empty if all pairs differ.
/// @shape  positive, negative [n, d]
/// @cost   O(n log n) comparisons of rows, most of which end at their first number
template <class Rows>
std::optional<std::pair<Eigen::Index, Eigen::Index>> repeated_pair(const Eigen::DenseBase<Rows>& positive,
                                                                   const Eigen::DenseBase<Rows>& negative) {
  const auto compare = [&](Eigen::Index a, Eigen::Index b) {
    for (const auto* rows : {&positive, &negative}) {
      for (Eigen::Index j = 0; j < rows->cols(); ++j) {
        if (rows->derived()(a, j) != rows->derived()(b, j)) {
          return rows->derived()(a, j) < rows->derived()(b, j) ? -1 : 1;
        }
      }
    }
    return 0;
  };
  std::vector<Eigen::Index> order(static_cast<std::size_t>(positive.rows()));
  std::iota(order.begin(), order.end(), Eigen::Index{0});
  std::sort(order.begin(), order.end(), [&](Eigen::Index a, Eigen::Index b) {
    const int way = compare(a, b);
    return way != 0 ? way < 0 : a < b;
  });
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (compare(order[i - 1], order[i]) == 0) {
      return std::pair{order[i - 1], order[i]};
    }
  }
  return std::nullopt;
}

/// @throws numeric_error if two pairs of rows are the same: folds would judge one by what the other has taught. `what`
///         names what a pair is
template <class Rows>
void require_distinct(const Eigen::DenseBase<Rows>& positive, const Eigen::DenseBase<Rows>& negative,
                      const std::string& who, const std::string& what) {
  if (const auto found = repeated_pair(positive, negative)) {
    throw numeric_error(text(who, ": ", what, " ", found->first, " and ", found->second,
                             " are the same; one would be judged by what the other has taught; leave one out"));
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
