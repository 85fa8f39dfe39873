// steer/extract/leace.ipp: the bodies of leace.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>
#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <Eigen/QR>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/leace.hpp"
#include "steer/extract/moments.hpp"
#include "steer/extract/samples.hpp"
#include "steer/extract/whitened_difference.hpp"
#include "steer/vector/affine_map.hpp"
#include "steer/vector/decomposition.hpp"
#include "steer/vector/direction.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// The reciprocal condition from which on a Cholesky factor has no fewer digits than an eigendecomposition would leave.
inline constexpr double well_conditioned = 1e-8;

/// An orthonormal basis of the columns' range, where each is in units of its label's deviation; [d, k], k at most their
/// number.
/// @throws numeric_error if no column differs from zero by more than rounding
template <class Scalar>
Eigen::MatrixX<Scalar> correlated_range(const Eigen::MatrixX<Scalar>& whitened,
                                        const Eigen::VectorX<Scalar>& label_variance) {
  const Eigen::ColPivHouseholderQR<Eigen::MatrixX<Scalar>> factored(
      whitened * label_variance.cwiseSqrt().cwiseInverse().asDiagonal());
  constexpr double noise = 1e-10;  // correlations are at most 1; sums in double leave about 1e-14 where there is none
  const double largest = std::abs(factored.matrixQR()(0, 0));
  Eigen::Index k = 0;
  while (k < std::min(whitened.rows(), whitened.cols()) &&
         std::abs(factored.matrixQR()(k, k)) > noise * std::max(largest, noise)) {
    ++k;
  }
  if (k == 0 || !(largest > noise)) {
    throw numeric_error(
        text({"leace: the labels have ", actual("no covariance"), " with the samples; there is nothing to erase"}));
  }
  return factored.householderQ() * Eigen::MatrixX<Scalar>::Identity(whitened.rows(), k);
}

/// The rows of an eraser about its mean.
template <class Scalar>
std::vector<direction> as_directions(const matrix<Scalar>& rows, const Eigen::VectorX<Scalar>& mean) {
  std::vector<direction> out(static_cast<std::size_t>(rows.rows()));
  for (Eigen::Index i = 0; i < rows.rows(); ++i) {
    direction& here = out[static_cast<std::size_t>(i)];
    here.values = rows.row(i).template cast<float>().transpose();
    here.origin = mean.template cast<float>();
  }
  return out;
}

}  // namespace detail

STEER_BODY Eigen::VectorXd eraser::operator()(const Eigen::VectorXd& h) const {
  const matrix<Real>& reading = read;
  const matrix<Real>& writing = write;
  const Eigen::VectorX<Real>& middle = mean;
  return h - writing.transpose() * (reading * (h - middle));
}

STEER_BODY low_rank_map eraser::map() const {
  const matrix<Real>& reading = read;
  const matrix<Real>& writing = write;
  const Eigen::VectorX<Real>& middle = mean;
  return {reading.template cast<float>(), -writing.template cast<float>(), (-reading * middle).template cast<float>()};
}

STEER_BODY std::vector<direction> eraser::readers() const {
  const matrix<Real>& rows = read;
  const Eigen::VectorX<Real>& middle = mean;
  return detail::as_directions(rows, middle);
}

STEER_BODY std::vector<direction> eraser::writers() const {
  const matrix<Real>& rows = write;
  const Eigen::VectorX<Real>& middle = mean;
  return detail::as_directions(rows, middle);
}

STEER_BODY eraser leace(const cross_moments& seen) {
  const Eigen::MatrixX<Real> covariance = seen.rows().covariance();
  const Eigen::MatrixX<Real> cross = seen.cross_covariance();
  const Eigen::VectorX<Real> label_variance = seen.labels().variance();
  for (Eigen::Index j = 0; j < label_variance.size(); ++j) {
    if (!(label_variance[j] > 0.0)) {
      throw numeric_error(
          text({"leace: label ", j, " is ", actual({"the same in all ", seen.rows().count(), " samples"}),
                "; expected ", expected("labels that differ"), ", or there is nothing to erase"}));
    }
  }
  eraser out;
  out.mean = seen.rows().mean();
  if (const Eigen::LLT<Eigen::MatrixX<Real>> root(covariance);
      root.info() == Eigen::Success && root.rcond() > detail::well_conditioned) {
    const Eigen::MatrixX<Real> reduced = root.matrixL().solve(cross);
    const Eigen::MatrixX<Real> u = detail::correlated_range(reduced, label_variance);
    out.read = root.matrixU().solve(u).transpose();
    out.write = (root.matrixL() * u).transpose();
    return out;
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixX<Real>> solved(covariance);
  detail::require_solved(solved.info(), "leace");
  const Eigen::VectorX<Real>& values = solved.eigenvalues();
  const double most = values[values.size() - 1];
  if (!(most > 0.0)) {
    throw numeric_error(text({"leace: all ", seen.rows().count(), " samples are ", actual("the same"),
                              "; the method needs ", expected("their variance")}));
  }
  const double rounding = 1e-14 * static_cast<double>(values.size()) * most;
  const Eigen::ArrayX<Real> root = (values.array() > rounding).select(values.array().max(0.0).sqrt(), 0.0);
  const Eigen::ArrayX<Real> inverse_root = (root > 0.0).select(1.0 / root.max(1e-300), 0.0);
  const Eigen::MatrixX<Real>& q = solved.eigenvectors();
  const Eigen::MatrixX<Real> whitened =
      inverse_root.matrix().asDiagonal() * (q.transpose() * cross);  // in coordinates of q
  const Eigen::MatrixX<Real> u = detail::correlated_range(whitened, label_variance);
  out.read = (q * (inverse_root.matrix().asDiagonal() * u)).transpose();
  out.write = (q * (root.matrix().asDiagonal() * u)).transpose();
  return out;
}

STEER_BODY eraser binary_leace(const sample_rows& positive, const sample_rows& negative, whitened_options options) {
  detail::require_shrinkage(options);
  const detail::two_sides both = detail::sides(positive, negative, 2, "whitened_difference");
  const Eigen::VectorX<Real> difference = both.difference();
  const Eigen::VectorX<Real> w = detail::whitened(both, difference, options);
  const auto count = static_cast<double>(both.positive.rows() + both.negative.rows());
  eraser out;
  out.write = difference.transpose();
  out.read = w.transpose() / w.dot(difference);
  const Eigen::RowVectorX<Real> sums = detail::column_sums(both.positive);
  const Eigen::RowVectorX<Real> more = detail::column_sums(both.negative);
  out.mean = (sums + more).transpose() / count;
  return out;
}

}  // namespace v0
}  // namespace steer
