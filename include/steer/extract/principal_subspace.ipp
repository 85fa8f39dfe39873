// steer/extract/principal_subspace.ipp: the bodies of principal_subspace.hpp.
#pragma once

#include <cmath>
#include <utility>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/principal_axes.hpp"
#include "steer/extract/principal_subspace.hpp"
#include "steer/extract/samples.hpp"
#include "steer/vector/subspace.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY subspace principal_subspace(const sample_rows& samples, Eigen::Index k) {
  if (k < 1) {
    throw argument_error(
        text({"principal_subspace: asked for ", actual(k), " dimensions; expected ", expected("at least 1")}));
  }
  const matrix<Real> rows = detail::samples(samples, k, "principal_subspace");
  const detail::axes found = detail::principal_axes(rows, k, "principal_subspace");
  matrix<Real> basis = found.rows;
  const Eigen::VectorX<Real>& squares = found.squares;
  const Eigen::RowVectorX<Real> mean = detail::column_means(rows);
  for (Eigen::Index i = 0; i < k; ++i) {
    const double along = basis.row(i).dot(mean);
    constexpr double rounding = 1e-12;
    Eigen::Index largest = 0;
    basis.row(i).cwiseAbs().maxCoeff(&largest);
    const double side = std::abs(along) > rounding * mean.norm() ? along : basis(i, largest);
    basis.row(i) *= side < 0.0 ? -1.0 : 1.0;
  }
  return {std::move(basis), squares / found.total};
}

}  // namespace v0
}  // namespace steer
