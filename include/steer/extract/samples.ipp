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

STEER_BODY void require_difference(const two_sides& both, const Eigen::VectorXd& difference, const std::string& who) {
  constexpr double rounding = 1e-12;
  const double scale = column_means(both.positive).norm() + column_means(both.negative).norm();
  if (!std::isfinite(scale)) {
    throw numeric_error(text({thing(who), ": the squares of the samples ", actual("overflow"), "; expected ",
                              expected("numbers up to about 1e150")}));
  }
  if (difference.norm() <= rounding * scale) {
    throw numeric_error(text({thing(who), ": the two sides have ", actual("the same mean"), "; a direction needs ",
                              expected("a norm above 0")}));
  }
}

STEER_BODY void require_variance(const matrix<double>& rows, const std::string& who) {
  if (((rows.rowwise() - rows.row(0)).array() == 0.0).all()) {
    throw numeric_error(text({thing(who), ": all ", rows.rows(), " samples are ", actual("the same"),
                              "; the method needs ", expected("their variance")}));
  }
}

STEER_BODY row_groups equal_rows(const Eigen::Ref<const matrix<float>>& positive,
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
