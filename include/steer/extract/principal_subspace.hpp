// steer/extract/principal_subspace.hpp: the few dimensions in which samples lie.
#pragma once

#include <Eigen/Core>
#include <cmath>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/principal_axes.hpp"
#include "steer/extract/samples.hpp"
#include "steer/vector/subspace.hpp"

namespace steer {
inline namespace v0 {

/// The first k right singular vectors, about zero. Each points to the side on which the samples' mean lies, and where
/// the mean has no component along it, to that of its largest element.
///
/// @param samples  differences of pairs, or any rows
/// @shape  samples [n, d]
/// @throws numeric_error for NaN, fewer than k samples, or samples that span fewer than k dimensions; argument_error if
///         k is below 1
/// @cost   O(n d min(n, d) + min(n, d)³)
/// @source Zou et al. 2023, arXiv:2310.01405, for more than one component; deviation: signs are determined
template <class Rows>
subspace principal_subspace(const Eigen::MatrixBase<Rows>& samples, Eigen::Index k) {
  if (k < 1) {
    throw argument_error(detail::text({"principal_subspace: asked for ", detail::actual(k), " dimensions; expected ",
                                       detail::expected("at least 1")}));
  }
  const matrix<double> rows = detail::samples(samples, k, "principal_subspace");
  const detail::axes found = detail::principal_axes(rows, k, "principal_subspace");
  subspace out{found.rows, found.squares / found.total};
  const Eigen::RowVectorXd mean = detail::column_means(rows);
  for (Eigen::Index i = 0; i < k; ++i) {
    const double along = out.basis.row(i).dot(mean);
    constexpr double rounding = 1e-12;
    Eigen::Index largest = 0;
    out.basis.row(i).cwiseAbs().maxCoeff(&largest);
    const double side = std::abs(along) > rounding * mean.norm() ? along : out.basis(i, largest);
    out.basis.row(i) *= side < 0.0 ? -1.0 : 1.0;
  }
  return out;
}

}  // namespace v0
}  // namespace steer
