// steer/extract/low_rank_moments.hpp: means and covariances of activations too wide for d² numbers.
#pragma once

#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <concepts>
#include <utility>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/moments.hpp"
#include "steer/extract/samples.hpp"
#include "steer/vector/decomposition.hpp"

namespace steer {
inline namespace v0 {

/// Count, mean and variances of a stream of rows as `moments` has them, and its scatter matrix up to a known error, in
/// 2 · rank · d numbers.
///
///     Σ (h - mean)(h - mean)ᵀ = FᵀF + E,  0 ≤ E ≤ error_bound() as a symmetric matrix
///
/// and the bound is at most the scatter outside its own first j directions, summed, over rank + 1 - j, for every j up to
/// rank. So rows that lie in `rank` dimensions or fewer are kept exactly, up to rounding; of others the strongest
/// directions are kept, each with a variance that is too small by at most the bound.
///
/// The same batches in the same order give the same bits. Other orders agree up to their bounds.
///
/// @cost   O(n d rank); d · 2 rank doubles of memory
/// @source frequent directions: Liberty 2013, arXiv:1206.0594, and Ghashami et al. 2016, arXiv:1501.01711; deviation: rows
///         are centred as they come, so that a batch adds one row for the way between the means (as in `moments`)
template <std::same_as<double> Scalar>
class basic_low_rank_moments {
 public:
  /// @throws shape_error if the width or the rank is below 1
  basic_low_rank_moments(Eigen::Index width, Eigen::Index rank)
      : spread_(width, second_moments::variances), rank_(rank), sketch_(0, width) {
    if (rank < 1) {
      throw shape_error(detail::text(
          {"low_rank_moments: rank is ", detail::actual(rank), "; expected ", detail::expected("at least 1")}));
    }
  }

  /// @shape  rows [n, d]
  /// @throws shape_error for another width, numeric_error naming the row for NaN or infinity; nothing is added then
  template <class Rows>
  void observe(const Eigen::MatrixBase<Rows>& rows) {
    if (rows.cols() != width()) {
      throw shape_error(detail::text({"low_rank_moments: rows have width ", detail::actual(rows.cols()), "; expected ",
                                      detail::expected(width())}));
    }
    if (rows.rows() == 0) {
      return;
    }
    basic_low_rank_moments batch(width(), rank_);
    batch.sketch_ = detail::samples(rows, 1, "low_rank_moments");
    batch.spread_.observe(batch.sketch_);
    batch.sketch_.rowwise() -= batch.spread_.mean().transpose();
    merge(batch);
  }

  /// As if every row that `other` has seen had been seen here, up to both bounds.
  /// @throws shape_error for another width or rank; numeric_error if squares overflow; nothing is added then
  void merge(const basic_low_rank_moments& other) {
    if (other.width() != width() || other.rank_ != rank_) {
      throw shape_error(detail::text({"low_rank_moments: merges ",
                                      detail::actual({"width ", other.width(), " and rank ", other.rank_}), " into ",
                                      detail::expected({"width ", width(), " and rank ", rank_})}));
    }
    if (other.count() == 0) {
      return;
    }
    const bool alone = count() == 0;
    const Eigen::Index mine = sketch_.rows();
    const Eigen::Index theirs = other.sketch_.rows();
    matrix<double> both(mine + theirs + (alone ? 0 : 1), width());
    both.topRows(mine) = sketch_;
    both.middleRows(mine, theirs) = other.sketch_;
    if (!alone) {
      const auto n = static_cast<double>(count());
      const auto m = static_cast<double>(other.count());
      both.bottomRows(1) = std::sqrt(n * m / (n + m)) * (other.mean() - mean()).transpose();
    }
    moments spread = spread_;
    spread.merge(other.spread_);
    double error_bound = error_bound_ + other.error_bound_;
    matrix<double> sketch(0, width());
    for (Eigen::Index at = 0; at < both.rows();) {
      const Eigen::Index taken = std::min(2 * rank_ - sketch.rows(), both.rows() - at);
      sketch.conservativeResize(sketch.rows() + taken, Eigen::NoChange);
      sketch.bottomRows(taken) = both.middleRows(at, taken);
      at += taken;
      if (sketch.rows() == 2 * rank_) {
        error_bound += shrink(sketch);
      }
    }
    spread_ = std::move(spread);
    sketch_.swap(sketch);
    error_bound_ = error_bound;
  }

  [[nodiscard]] Eigen::Index width() const noexcept { return spread_.width(); }
  [[nodiscard]] Eigen::Index rank() const noexcept { return rank_; }
  [[nodiscard]] Eigen::Index count() const noexcept { return spread_.count(); }

  /// @throws numeric_error before the first row
  [[nodiscard]] const Eigen::VectorXd& mean() const { return spread_.mean(); }
  /// Unbiased and exact.
  /// @throws numeric_error below two rows
  [[nodiscard]] Eigen::VectorXd variance() const { return spread_.variance(); }

  /// F, for which FᵀF is the scatter up to the bound.
  /// @shape  returns [at most 2 rank - 1, d]; its rows are in no order
  [[nodiscard]] const matrix<double>& factor() const noexcept { return sketch_; }

  /// The most by which the scatter exceeds FᵀF along any unit direction.
  [[nodiscard]] double error_bound() const noexcept { return error_bound_; }

  /// FᵀF / (n - 1)
  /// @shape  returns [d, d]
  /// @throws numeric_error below two rows
  [[nodiscard]] Eigen::MatrixXd covariance() const {
    if (count() < 2) {
      throw numeric_error(detail::text({"low_rank_moments: a covariance needs ", detail::expected("at least 2 rows"),
                                        "; has seen ", detail::actual(count())}));
    }
    return sketch_.transpose() * sketch_ / static_cast<double>(count() - 1);
  }

 private:
  /// Keeps `rank` rows along the strongest directions; what is taken off all of them is what the next one had.
  /// @return what was taken
  [[nodiscard]] double shrink(matrix<double>& sketch) const {
    const Eigen::MatrixXd gram = sketch * sketch.transpose();
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solved(gram);  // eigenvalues rise
    detail::require_solved(solved.info(), "low_rank_moments");
    const Eigen::VectorXd& squares = solved.eigenvalues();
    const double taken = std::max(0.0, squares[squares.size() - 1 - rank_]);
    matrix<double> kept = solved.eigenvectors().rightCols(rank_).transpose() * sketch;
    for (Eigen::Index i = 0; i < rank_; ++i) {
      const double square = squares[squares.size() - rank_ + i];
      kept.row(i) *= square > taken ? std::sqrt((square - taken) / square) : 0.0;
    }
    sketch.swap(kept);
    return taken;
  }

  moments spread_;
  Eigen::Index rank_;
  matrix<double> sketch_;  // [fewer than 2 rank, d]
  double error_bound_ = 0.0;
};

using low_rank_moments = basic_low_rank_moments<double>;

}  // namespace v0
}  // namespace steer
