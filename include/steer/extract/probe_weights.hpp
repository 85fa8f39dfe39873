// steer/extract/probe_weights.hpp: the two ways to solve for a probe's next step, by its columns or by its samples.
#pragma once

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <concepts>
#include <utility>

#include "steer/core/matrix.hpp"
#include "steer/vector/decomposition.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Weights [r] that are solved for themselves.
template <std::same_as<double> Scalar>
class weights_of_columns {
 public:
  /// @shape  rows [n, r]
  weights_of_columns(matrix<Scalar> rows, double penalty)
      : w(Eigen::VectorXd::Zero(rows.cols())), rows_(std::move(rows)), penalty_(penalty) {}

  /// @shape  weight [n], of each sample in the second derivative
  void factor(const Eigen::VectorXd& weight) {
    const Eigen::Index r = rows_.cols();
    const matrix<double> weighted = weight.cwiseSqrt().asDiagonal() * rows_;
    Eigen::MatrixXd hessian = Eigen::MatrixXd::Zero(r + 1, r + 1);  // the bias last; only the lower half is read
    hessian.topLeftCorner(r, r).selfadjointView<Eigen::Lower>().rankUpdate(weighted.transpose());
    hessian.topLeftCorner(r, r).diagonal().array() += penalty_;
    hessian.row(r).head(r) = weight.transpose() * rows_;
    hessian(r, r) = std::max(weight.sum(), 1e-12);  // every text far on its side: the bias hardly matters
    system_.compute(hessian);
    require_solved(system_.info(), "probe");
  }
  /// What a whole step adds to the log-odds, and to the penalty.
  Eigen::VectorXd step(const Eigen::VectorXd& pull, double (&squares)[3]) {
    const Eigen::Index r = rows_.cols();
    Eigen::VectorXd gradient(r + 1);
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

  Eigen::VectorXd w;
  double bias = 0.0;

 private:
  matrix<Scalar> rows_;
  double penalty_;
  Eigen::LLT<Eigen::MatrixXd> system_;
  Eigen::VectorXd step_;  // [r + 1]
};

/// Weights as a sum of the samples, w = rowsᵀ a, of which only the inner products are needed.
///
///     (D^½ K D^½ + λ I) u = D^-½ (-pull - λ a - D 1 step_bias),   step_a = D^½ u,   Σ step_a = -Σ a
///
/// with K the inner products and D the samples' weights in the second derivative: no eigenvalue is below λ, however far
/// a sample lies on its side.
/// @source Rasmussen & Williams 2006, Gaussian Processes for Machine Learning, 3.4, for the system; the bias is ours
template <std::same_as<double> Scalar>
class weights_of_samples {
 public:
  /// @shape  products [n, n], of which the lower half is read
  weights_of_samples(Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic> products, double penalty)
      : w(Eigen::VectorXd::Zero(products.rows())), products_(std::move(products)), penalty_(penalty), scores_(w) {}

  void factor(const Eigen::VectorXd& weight) {
    root_ = weight.cwiseMax(1e-300).cwiseSqrt();
    Eigen::MatrixXd system(products_.rows(), products_.rows());
    for (Eigen::Index j = 0; j < system.cols(); ++j) {
      const Eigen::Index below = system.rows() - j;
      system.col(j).tail(below) = root_[j] * root_.tail(below).cwiseProduct(products_.col(j).tail(below));
    }
    system.diagonal().array() += penalty_;
    system_.compute(system);
    require_solved(system_.info(), "probe");
    of_bias_ = system_.solve(root_);
  }
  Eigen::VectorXd step(const Eigen::VectorXd& pull, double (&squares)[3]) {
    const Eigen::VectorXd u = system_.solve((pull + penalty_ * w).cwiseQuotient(root_));
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

  Eigen::VectorXd w;  // [n], of the samples
  double bias = 0.0;

 private:
  Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic> products_;
  double penalty_;
  Eigen::VectorXd scores_;  // [n], K a
  Eigen::VectorXd root_;    // [n], D^½
  Eigen::LLT<Eigen::MatrixXd> system_;
  Eigen::VectorXd of_bias_;  // what the system says to D^½
  Eigen::VectorXd step_, step_scores_;
  double step_bias_ = 0.0;
};

}  // namespace detail
}  // namespace v0
}  // namespace steer
