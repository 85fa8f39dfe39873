// steer/extract/principal_axes.ipp: the bodies of principal_axes.hpp.
#pragma once

#include <algorithm>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/principal_axes.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY Eigen::VectorXd largest_of_tridiagonal(const Eigen::VectorXd& diagonal, const Eigen::VectorXd& below,
                                              double largest) {
  constexpr double rounding = 1e-15;
  const Eigen::Index m = diagonal.size();
  const double shift = largest * (1.0 + 4.0 * rounding);
  Eigen::VectorXd pivot(m);
  Eigen::VectorXd v(m);
  pivot[0] = std::max(shift - diagonal[0], rounding * largest);
  v[0] = 1.0;
  for (Eigen::Index i = 1; i < m; ++i) {
    pivot[i] = std::max(shift - diagonal[i] - below[i - 1] * below[i - 1] / pivot[i - 1], rounding * largest);
    v[i] = below[i - 1] < 0.0 ? -v[i - 1] : v[i - 1];
  }
  for (int repeat = 0; repeat < 4; ++repeat) {
    for (Eigen::Index i = 1; i < m; ++i) {
      v[i] += below[i - 1] / pivot[i - 1] * v[i - 1];
    }
    v[m - 1] /= pivot[m - 1];
    for (Eigen::Index i = m - 2; i >= 0; --i) {
      v[i] = (v[i] + below[i] * v[i + 1]) / pivot[i];
    }
    v /= v.cwiseAbs().maxCoeff();
  }
  v.normalize();
  Eigen::VectorXd residual = (diagonal.array() - largest).matrix().cwiseProduct(v);
  residual.head(m - 1) += below.cwiseProduct(v.tail(m - 1));
  residual.tail(m - 1) += below.cwiseProduct(v.head(m - 1));
  constexpr double exact = 1e-12;
  return residual.norm() <= exact * largest ? v : Eigen::VectorXd();  // NaN is not below
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
