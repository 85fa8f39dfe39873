// steer/extract/probe_weights.hpp: the two ways to solve for a probe's next step, by its columns or by its samples, for `probe.ipp`.
#pragma once

#include <algorithm>
#include <utility>
#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "steer/core/matrix.hpp"
#include "steer/vector/decomposition.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Weights [r] that are solved for themselves.
template <class Scalar>
class weights_of_columns {
 public:
  /// @shape  rows [n, r]
  weights_of_columns(matrix<Scalar> rows, double penalty)
      : w(Eigen::VectorX<Scalar>::Zero(rows.cols())), rows_(std::move(rows)), penalty_(penalty) {}

  /// @shape  weight [n], of each sample in the second derivative
  void factor(const Eigen::VectorX<Scalar>& weight) {
    const Eigen::Index r = rows_.cols();
    const matrix<Scalar> weighted = weight.cwiseSqrt().asDiagonal() * rows_;
    // The bias last; only the lower half is read.
    Eigen::MatrixX<Scalar> hessian = Eigen::MatrixX<Scalar>::Zero(r + 1, r + 1);
    hessian.topLeftCorner(r, r).template selfadjointView<Eigen::Lower>().rankUpdate(weighted.transpose());
    hessian.topLeftCorner(r, r).diagonal().array() += penalty_;
    hessian.row(r).head(r) = weight.transpose() * rows_;
    hessian(r, r) = std::max(weight.sum(), 1e-12);  // every text far on its side: the bias hardly matters
    system_.compute(hessian);
    require_solved(system_.info(), "probe");
  }
  /// What a whole step adds to the log-odds, and to the penalty.
  Eigen::VectorX<Scalar> step(const Eigen::VectorX<Scalar>& pull, double (&squares)[3]) {
    const Eigen::Index r = rows_.cols();
    Eigen::VectorX<Scalar> gradient(r + 1);
    gradient << rows_.transpose() * pull + penalty_ * w, pull.sum();
    step_ = -system_.solve(gradient);
    squares[0] = 0.5 * penalty_ * w.squaredNorm();
    squares[1] = penalty_ * w.dot(step_.head(r));
    squares[2] = 0.5 * penalty_ * step_.head(r).squaredNorm();
    return ((rows_ * step_.head(r)).array() + step_[r]).matrix();
  }
  void take(double length) {
    w += length * step_.head(w.size());
    bias += length * step_[w.size()];
  }

  Eigen::VectorX<Scalar> w;
  double bias = 0.0;

 private:
  matrix<Scalar> rows_;
  double penalty_;
  Eigen::LLT<Eigen::MatrixX<Scalar>> system_;
  Eigen::VectorX<Scalar> step_;  // [r + 1]
};

/// Weights as a sum of the samples, w = rowsᵀ a, of which only the inner products are needed.
///
///     (D^½ K D^½ + λ I) u = D^-½ (-pull - λ a - D 1 step_bias),   step_a = D^½ u,   Σ step_a = -Σ a
///
/// with K the inner products and D the samples' weights in the second derivative: no eigenvalue is below λ, however far
/// a sample lies on its side.
/// @source Rasmussen & Williams 2006, Gaussian Processes for Machine Learning, 3.4, for the system; the bias is ours
template <class Scalar>
class weights_of_samples {
 public:
  /// @shape  products [n, n], of which the lower half is read
  weights_of_samples(Eigen::MatrixX<Scalar> products, double penalty)
      : w(Eigen::VectorX<Scalar>::Zero(products.rows())),
        products_(std::move(products)),
        penalty_(penalty),
        scores_(w) {}

  void factor(const Eigen::VectorX<Scalar>& weight) {
    root_ = weight.cwiseMax(1e-300).cwiseSqrt();
    Eigen::MatrixX<Scalar> system(products_.rows(), products_.rows());
    for (Eigen::Index j = 0; j < system.cols(); ++j) {
      const Eigen::Index below = system.rows() - j;
      system.col(j).tail(below) = root_[j] * root_.tail(below).cwiseProduct(products_.col(j).tail(below));
    }
    system.diagonal().array() += penalty_;
    system_.compute(system);
    require_solved(system_.info(), "probe");
    of_bias_ = system_.solve(root_);
  }
  Eigen::VectorX<Scalar> step(const Eigen::VectorX<Scalar>& pull, double (&squares)[3]) {
    const Eigen::VectorX<Scalar> u = system_.solve((pull + penalty_ * w).cwiseQuotient(root_));
    step_bias_ = (w.sum() - root_.dot(u)) / std::max(root_.dot(of_bias_), 1e-300);
    step_ = -root_.cwiseProduct(u + step_bias_ * of_bias_);
    step_scores_.noalias() = products_.template selfadjointView<Eigen::Lower>() * step_;
    squares[0] = 0.5 * penalty_ * w.dot(scores_);
    squares[1] = penalty_ * w.dot(step_scores_);
    squares[2] = 0.5 * penalty_ * step_.dot(step_scores_);
    return (step_scores_.array() + step_bias_).matrix();
  }
  void take(double length) {
    w += length * step_;
    scores_ += length * step_scores_;
    bias += length * step_bias_;
  }

  Eigen::VectorX<Scalar> w;  // [n], of the samples
  double bias = 0.0;

 private:
  Eigen::MatrixX<Scalar> products_;
  double penalty_;
  Eigen::VectorX<Scalar> scores_;  // [n], K a
  Eigen::VectorX<Scalar> root_;    // [n], D^½
  Eigen::LLT<Eigen::MatrixX<Scalar>> system_;
  Eigen::VectorX<Scalar> of_bias_;  // what the system says to D^½
  Eigen::VectorX<Scalar> step_, step_scores_;
  double step_bias_ = 0.0;
};

}  // namespace detail
}  // namespace v0
}  // namespace steer
