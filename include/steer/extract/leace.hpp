// steer/extract/leace.hpp: the least change after which no linear classifier finds a concept.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <vector>
#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <Eigen/QR>

#include "steer/core/error.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/moments.hpp"
#include "steer/extract/samples.hpp"
#include "steer/extract/whitened_difference.hpp"
#include "steer/vector/affine_map.hpp"
#include "steer/vector/decomposition.hpp"
#include "steer/vector/direction.hpp"

namespace steer {
inline namespace v0 {

/// h' = h - Δᵀ W (h - mean), an oblique projector: W Δᵀ = I, so W reads 0 afterwards (at the mean).
///
/// @shape read W, write Δ [k, d]; mean [d]
struct eraser {
  matrix<double> read = {};
  matrix<double> write = {};
  Eigen::VectorXd mean = {};

  /// What it does to one row.
  [[nodiscard]] Eigen::VectorXd operator()(const Eigen::VectorXd& h) const {
    return h - write.transpose() * (read * (h - mean));
  }

  /// For `recipe::transform`.
  STEER_API [[nodiscard]] low_rank_map map() const;

  /// For `recipe::erase`, whose origin is `midpoint` then.
  [[nodiscard]] std::vector<direction> readers() const { return rows_as_directions(read); }
  [[nodiscard]] std::vector<direction> writers() const { return rows_as_directions(write); }

 private:
  STEER_API [[nodiscard]] std::vector<direction> rows_as_directions(const matrix<double>& rows) const;
};

namespace detail {

/// The reciprocal condition from which on a Cholesky factor has no fewer digits than an eigendecomposition would leave.
inline constexpr double well_conditioned = 1e-8;

/// An orthonormal basis of the columns' range, where each is in units of its label's deviation; [d, k], k at most their
/// number.
/// @throws numeric_error if no column differs from zero by more than rounding
template <std::same_as<double> Scalar>
Eigen::MatrixXd correlated_range(const Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>& whitened,
                                 const Eigen::VectorXd& label_variance) {
  const Eigen::ColPivHouseholderQR<Eigen::MatrixXd> factored(whitened *
                                                             label_variance.cwiseSqrt().cwiseInverse().asDiagonal());
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
  return factored.householderQ() * Eigen::MatrixXd::Identity(whitened.rows(), k);
}

}  // namespace detail

/// The eraser of any labels: numbers, or one column for each class. Afterwards no label has covariance with any
/// coordinate.
///
///     W = Uᵀ R⁻¹,  Δ = Uᵀ Rᵀ,  U an orthonormal basis of the range of R⁻¹ S_xz,  S = R Rᵀ
///
/// S is the rows' covariance. Every root R of it gives the same projector, so R is the Cholesky factor, whose cost is a
/// thirtieth of the symmetric root's; where S is singular or nearly so, R is the symmetric root and R⁻¹ its
/// pseudo-inverse, and rows outside its range are not touched.
///
/// @param seen  moments of rows [d] and labels [k], such as a recorder's texts and 1 or 0
/// @throws numeric_error for fewer than 2 rows, rows that are all the same, or labels that are constant or have no
///         covariance with the rows
/// @cost   O(d³ / 3 + d² k), without an inverse O(10 d³)
/// @source Belrose et al. 2023, arXiv:2306.03819; deviation: none
template <std::same_as<cross_moments> Moments>
eraser leace(const Moments& seen) {
  const Eigen::MatrixXd covariance = seen.rows().covariance();
  const Eigen::MatrixXd cross = seen.cross_covariance();
  const Eigen::VectorXd label_variance = seen.labels().variance();
  for (Eigen::Index j = 0; j < label_variance.size(); ++j) {
    if (!(label_variance[j] > 0.0)) {
      throw numeric_error(detail::text(
          {"leace: label ", j, " is ", detail::actual({"the same in all ", seen.rows().count(), " samples"}),
           "; expected ", detail::expected("labels that differ"), ", or there is nothing to erase"}));
    }
  }
  eraser out;
  out.mean = seen.rows().mean();
  if (const Eigen::LLT<Eigen::MatrixXd> root(covariance);
      root.info() == Eigen::Success && root.rcond() > detail::well_conditioned) {
    const Eigen::MatrixXd u = detail::correlated_range<double>(root.matrixL().solve(cross), label_variance);
    out.read = root.matrixU().solve(u).transpose();
    out.write = (root.matrixL() * u).transpose();
    return out;
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solved(covariance);
  detail::require_solved(solved.info(), "leace");
  const Eigen::VectorXd& values = solved.eigenvalues();
  const double most = values[values.size() - 1];
  if (!(most > 0.0)) {
    throw numeric_error(detail::text({"leace: all ", seen.rows().count(), " samples are ", detail::actual("the same"),
                                      "; the method needs ", detail::expected("their variance")}));
  }
  const double rounding = 1e-14 * static_cast<double>(values.size()) * most;
  const Eigen::ArrayXd root = (values.array() > rounding).select(values.array().max(0.0).sqrt(), 0.0);
  const Eigen::ArrayXd inverse_root = (root > 0.0).select(1.0 / root.max(1e-300), 0.0);
  const Eigen::MatrixXd& q = solved.eigenvectors();
  const Eigen::MatrixXd whitened = inverse_root.matrix().asDiagonal() * (q.transpose() * cross);  // in coordinates of q
  const Eigen::MatrixXd u = detail::correlated_range(whitened, label_variance);
  out.read = (q * (inverse_root.matrix().asDiagonal() * u)).transpose();
  out.write = (q * (root.matrix().asDiagonal() * u)).transpose();
  return out;
}

/// The eraser of one concept with two sides, by a single solve: Δ = δ, W = S⁻¹δ / (δᵀS⁻¹δ), δ the means' difference.
///
/// Equals `leace` with one label of two values: S within the sides gives the same projector as that of all samples.
/// With a shrinkage it erases as completely, also from fewer samples than dimensions, and moves rows a little more than
/// it must.
///
/// @param options  shrinkage of S, none by default
/// @shape  positive [n, d], negative [m, d]
/// @throws as `whitened_difference`
/// @cost   as `whitened_difference`: O((n + m) d² + d³ / 3) without a shrinkage
/// @source Belrose et al. 2023, arXiv:2306.03819, the case of rank one
template <class Positive, class Negative>
eraser binary_leace(const Eigen::MatrixBase<Positive>& positive, const Eigen::MatrixBase<Negative>& negative,
                    whitened_options options = {.shrinkage = 0.0}) {
  detail::require_shrinkage(options);
  const detail::two_sides both = detail::sides(positive, negative, 2, "whitened_difference");
  const Eigen::VectorXd difference = both.difference();
  const Eigen::VectorXd w = detail::whitened(both, difference, options);
  const auto count = static_cast<double>(both.positive.rows() + both.negative.rows());
  eraser out;
  out.write = difference.transpose();
  out.read = w.transpose() / w.dot(difference);
  out.mean = (detail::column_sums(both.positive) + detail::column_sums(both.negative)).transpose() / count;
  return out;
}

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/leace.ipp"
#endif
