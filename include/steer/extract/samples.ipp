// steer/extract/samples.ipp: the bodies of samples.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/samples.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Sums over the rows of a map that lies by rows, or by columns.
template <class Map>
Eigen::RowVectorXd sums_over(const Map& rows) {
  using scalar = typename Map::Scalar;
  if constexpr ((Map::Flags & Eigen::RowMajorBit) == 0) {
    return rows.template cast<double>().colwise().sum();
  } else {
    constexpr Eigen::Index together = 8;
    constexpr Eigen::Index strip = 8;  // a constant count is what compilers vectorise without being asked to
    Eigen::RowVectorXd sums = Eigen::RowVectorXd::Zero(rows.cols());
    const Eigen::Index whole = rows.rows() - rows.rows() % together;
    const Eigen::Index strips = rows.cols() - rows.cols() % strip;
    for (Eigen::Index i = 0; i < whole; i += together) {
      const scalar* const first = rows.data() + i * rows.outerStride();
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

/// @throws numeric_error naming the first row that is not finite
template <class Map>
void require_finite_rows(const Map& rows, const std::string& who) {
  using scalar = typename Map::Scalar;
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

STEER_BODY Eigen::RowVectorXd column_sums(const sample_rows& rows) {
  return rows.visit([](const auto& map) -> Eigen::RowVectorX<Real> { return sums_over(map); });
}

STEER_BODY Eigen::RowVectorXd column_means(const sample_rows& rows) {
  const Eigen::RowVectorX<Real> sums = column_sums(rows);
  return sums / static_cast<double>(rows.rows());
}

STEER_BODY matrix<double> in_double(const sample_rows& rows) {
  return rows.visit([](const auto& map) -> matrix<Real> { return map.template cast<Real>(); });
}

STEER_BODY void require_samples(const sample_rows& rows, Eigen::Index least, const std::string& who) {
  if (rows.cols() == 0) {
    throw shape_error(
        text({thing(who), ": the samples have width ", actual(0), "; expected ", expected("at least 1")}));
  }
  if (rows.rows() < least) {
    throw numeric_error(text({thing(who), ": has ", actual(rows.rows()), rows.rows() == 1 ? " sample" : " samples",
                              "; the method needs ", expected({"at least ", least})}));
  }
  rows.visit([&](const auto& map) { require_finite_rows(map, who); });
}

STEER_BODY matrix<double> samples(const sample_rows& rows, Eigen::Index least, const std::string& who) {
  require_samples(rows, least, who);
  return in_double(rows);
}

STEER_BODY void require_sides(const sample_rows& positive, const sample_rows& negative, Eigen::Index least,
                              const std::string& who) {
  if (positive.cols() != negative.cols()) {
    throw shape_error(text({thing(who), ": positive has width ", expected(positive.cols()), ", negative has width ",
                            actual(negative.cols()), "; expected the same"}));
  }
  require_samples(positive, least, who + ", positive");
  require_samples(negative, least, who + ", negative");
}

STEER_BODY Eigen::VectorXd two_sides::difference() const {
  const Eigen::RowVectorX<Real> plus = column_means(positive);
  const Eigen::RowVectorX<Real> minus = column_means(negative);
  return (plus - minus).transpose();
}

STEER_BODY two_sides sides(const sample_rows& positive, const sample_rows& negative, Eigen::Index least,
                           const std::string& who) {
  require_sides(positive, negative, least, who);
  return {in_double(positive), in_double(negative)};
}

STEER_BODY void require_difference(const two_sides& both, const Eigen::VectorXd& difference, const std::string& who) {
  constexpr double rounding = 1e-12;
  const Eigen::RowVectorX<Real> plus = column_means(both.positive);
  const Eigen::RowVectorX<Real> minus = column_means(both.negative);
  const Eigen::VectorX<Real>& between = difference;
  const double scale = plus.norm() + minus.norm();
  if (!std::isfinite(scale)) {
    throw numeric_error(text({thing(who), ": the squares of the samples ", actual("overflow"), "; expected ",
                              expected("numbers up to about 1e150")}));
  }
  if (between.norm() <= rounding * scale) {
    throw numeric_error(text({thing(who), ": the two sides have ", actual("the same mean"), "; a direction needs ",
                              expected("a norm above 0")}));
  }
}

STEER_BODY void require_variance(const matrix<double>& rows, const std::string& who) {
  const matrix<Real>& all = rows;
  if (((all.rowwise() - all.row(0)).array() == 0.0).all()) {
    throw numeric_error(text({thing(who), ": all ", rows.rows(), " samples are ", actual("the same"),
                              "; the method needs ", expected("their variance")}));
  }
}

STEER_BODY row_groups equal_rows(const Eigen::Ref<const matrix<float>>& positive,
                                 const Eigen::Ref<const matrix<float>>& negative) {
  const auto bytes = static_cast<std::size_t>(positive.cols()) * sizeof(float);
  const auto compare = [&](Eigen::Index a, Eigen::Index b) {
    const auto of = [&](const Eigen::Ref<const matrix<float>>& side) {
      return std::memcmp(side.data() + a * side.outerStride(), side.data() + b * side.outerStride(), bytes);
    };
    const int way = of(positive);
    return way != 0 ? way : of(negative);
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
