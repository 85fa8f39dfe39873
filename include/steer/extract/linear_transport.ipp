// steer/extract/linear_transport.ipp: the bodies of linear_transport.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/linear_transport.hpp"
#include "steer/extract/samples.hpp"
#include "steer/vector/affine_map.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// The quantile at (i + ½) / count of sorted numbers, on straight lines between their own such quantiles.
inline double quantile(const std::vector<double>& sorted, Eigen::Index i, Eigen::Index count) {
  const auto n = static_cast<double>(sorted.size());
  const double at = std::clamp((static_cast<double>(i) + 0.5) / static_cast<double>(count) * n - 0.5, 0.0, n - 1.0);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double share = at - static_cast<double>(below);
  return sorted[below] + share * (sorted[above] - sorted[below]);
}

STEER_BODY axis_map transport_of(const matrix<double>& from, const matrix<double>& to, const char* who) {
  const Eigen::Index d = from.cols();
  const Eigen::Index count = std::max(from.rows(), to.rows());
  axis_map out{Eigen::VectorXd(d), Eigen::VectorXd(d)};
  const auto sorted_column = [](const matrix<double>& rows, Eigen::Index j) {
    std::vector<double> out_column(static_cast<std::size_t>(rows.rows()));
    for (Eigen::Index i = 0; i < rows.rows(); ++i) {
      out_column[static_cast<std::size_t>(i)] = rows(i, j);
    }
    std::sort(out_column.begin(), out_column.end());
    return out_column;
  };
  Eigen::VectorX<Real> a(count);
  Eigen::VectorX<Real> b(count);
  for (Eigen::Index j = 0; j < d; ++j) {
    const std::vector<double> source = sorted_column(from, j);
    if (source.front() == source.back()) {
      throw numeric_error(
          text({who, ": coordinate ", j, " is ", actual(source.front()), " in every sample of the source; expected ",
                expected("numbers that differ"), ", for a constant cannot be stretched"}));
    }
    const std::vector<double> target = sorted_column(to, j);
    for (Eigen::Index i = 0; i < count; ++i) {
      // Sides of one size are compared number by number; no quantile is rounded then.
      const auto at = static_cast<std::size_t>(i);
      a[i] = from.rows() == count ? source[at] : quantile(source, i, count);
      b[i] = to.rows() == count ? target[at] : quantile(target, i, count);
    }
    const double mean_a = a.mean();
    const double mean_b = b.mean();
    a.array() -= mean_a;
    b.array() -= mean_b;
    const double squares = a.squaredNorm();
    if (!(std::isfinite(squares) && squares > 0.0)) {
      throw numeric_error(text({who, ": the squares of coordinate ", j, " overflow or vanish; expected ",
                                expected("numbers of about 1e-150 to 1e150")}));
    }
    out.scale[j] = std::max(0.0, a.dot(b) / squares);  // below 0 by rounding only, of a constant target
    out.shift[j] = mean_b - out.scale[j] * mean_a;
  }
  return out;
}

}  // namespace detail

STEER_BODY diagonal_map linear_transport(const sample_rows& from, const sample_rows& to) {
  const char* const who = "linear_transport";
  if (from.cols() != to.cols()) {
    throw shape_error(text({who, ": source has width ", expected(from.cols()), ", target has width ", actual(to.cols()),
                            "; expected the same"}));
  }
  const matrix<double> source = detail::samples(from, 2, text({who, ", source"}));
  const matrix<double> target = detail::samples(to, 2, text({who, ", target"}));
  const detail::axis_map found = detail::transport_of(source, target, who);
  const Eigen::VectorX<Real>& scale = found.scale;
  const Eigen::VectorX<Real>& shift = found.shift;
  diagonal_map out{scale.template cast<float>(), shift.template cast<float>()};
  check(affine_map(out), who);
  return out;
}

}  // namespace v0
}  // namespace steer
