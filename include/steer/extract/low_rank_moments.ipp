// steer/extract/low_rank_moments.ipp: the bodies of low_rank_moments.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/low_rank_moments.hpp"
#include "steer/extract/moments.hpp"
#include "steer/extract/samples.hpp"
#include "steer/vector/decomposition.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Keeps `rank` rows along the strongest directions; what is taken off all of them is what the next one had.
/// @return what was taken
template <class Scalar>
[[nodiscard]] double shrink(matrix<Scalar>& sketch, Eigen::Index rank) {
  const Eigen::MatrixX<Scalar> gram = sketch * sketch.transpose();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixX<Scalar>> solved(gram);  // eigenvalues rise
  require_solved(solved.info(), "low_rank_moments");
  const Eigen::VectorX<Scalar>& squares = solved.eigenvalues();
  const double taken = std::max(0.0, squares[squares.size() - 1 - rank]);
  matrix<Scalar> kept = solved.eigenvectors().rightCols(rank).transpose() * sketch;
  for (Eigen::Index i = 0; i < rank; ++i) {
    const double square = squares[squares.size() - rank + i];
    kept.row(i) *= square > taken ? std::sqrt((square - taken) / square) : 0.0;
  }
  sketch.swap(kept);
  return taken;
}

}  // namespace detail

STEER_BODY low_rank_moments::low_rank_moments(Eigen::Index width, Eigen::Index rank)
    : spread_(width, second_moments::variances), rank_(rank), sketch_(0, width) {
  if (rank < 1) {
    throw shape_error(text({"low_rank_moments: rank is ", actual(rank), "; expected ", expected("at least 1")}));
  }
}

STEER_BODY void low_rank_moments::update(const sample_rows& rows) {
  if (rows.cols() != width()) {
    throw shape_error(
        text({"low_rank_moments: rows have width ", actual(rows.cols()), "; expected ", expected(width())}));
  }
  if (rows.rows() == 0) {
    return;
  }
  low_rank_moments batch(width(), rank_);
  batch.sketch_ = detail::samples(rows, 1, "low_rank_moments");
  batch.spread_.update(batch.sketch_);
  matrix<Real>& centred = batch.sketch_;
  const Eigen::VectorX<Real>& mean = batch.spread_.mean();
  centred.rowwise() -= mean.transpose();
  merge(batch);
}

STEER_BODY void low_rank_moments::merge(const low_rank_moments& other) {
  if (other.width() != width() || other.rank_ != rank_) {
    throw shape_error(text({"low_rank_moments: merges ", actual({"width ", other.width(), " and rank ", other.rank_}),
                            " into ", expected({"width ", width(), " and rank ", rank_})}));
  }
  if (other.count() == 0) {
    return;
  }
  const bool alone = count() == 0;
  const Eigen::Index mine = sketch_.rows();
  const Eigen::Index theirs = other.sketch_.rows();
  matrix<Real> both(mine + theirs + (alone ? 0 : 1), width());
  both.topRows(mine) = sketch_;
  both.middleRows(mine, theirs) = other.sketch_;
  if (!alone) {
    const auto n = static_cast<double>(count());
    const auto m = static_cast<double>(other.count());
    const Eigen::VectorX<Real>& here = mean();
    const Eigen::VectorX<Real>& there = other.mean();
    both.bottomRows(1) = std::sqrt(n * m / (n + m)) * (there - here).transpose();
  }
  moments spread = spread_;
  spread.merge(other.spread_);
  double error_bound = error_bound_ + other.error_bound_;
  matrix<Real> sketch(0, width());
  for (Eigen::Index at = 0; at < both.rows();) {
    const Eigen::Index taken = std::min(2 * rank_ - sketch.rows(), both.rows() - at);
    sketch.conservativeResize(sketch.rows() + taken, Eigen::NoChange);
    sketch.bottomRows(taken) = both.middleRows(at, taken);
    at += taken;
    if (sketch.rows() == 2 * rank_) {
      error_bound += detail::shrink(sketch, rank_);
    }
  }
  spread_ = std::move(spread);
  sketch_.swap(sketch);
  error_bound_ = error_bound;
}

STEER_BODY Eigen::MatrixXd low_rank_moments::covariance() const {
  if (count() < 2) {
    throw numeric_error(
        text({"low_rank_moments: a covariance needs ", expected("at least 2 rows"), "; has seen ", actual(count())}));
  }
  const matrix<Real>& rows = sketch_;
  return rows.transpose() * rows / static_cast<double>(count() - 1);
}

}  // namespace v0
}  // namespace steer
