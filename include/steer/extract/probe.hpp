// steer/extract/probe.hpp: logistic regression, whose weights read a concept.
#pragma once

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <concepts>
#include <limits>
#include <utility>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/samples.hpp"

namespace steer {
inline namespace v0 {

struct probe_options {
  double penalty = 1.0;  ///< λ of ½ λ |w|², above 0; scikit-learn's 1 / C
  int steps = 100;       ///< Newton steps at most
};

/// A linear classifier: the log-odds of the positive side are w · h + bias.
struct probe {
  Eigen::VectorXd w = {};  ///< [d]
  double bias = 0.0;
  double loss = 0.0;  ///< Σ log(1 + exp(∓(w · h + bias))) + ½ λ |w|²
  int steps = 0;      ///< Newton steps taken
};

namespace detail {

/// log(1 + exp(-t)) without overflow.
inline double softplus_of_minus(double t) { return std::max(-t, 0.0) + std::log1p(std::exp(-std::abs(t))); }

/// The loss along a line of classifiers, each with a step `t` of one direction: all it takes are the log-odds.
struct loss_along {
  Eigen::ArrayXd margin;   ///< [n], signed log-odds
  Eigen::ArrayXd towards;  ///< [n], what a whole step adds to them
  double squares[3];       ///< of the penalty, 1, t and t²

  [[nodiscard]] double operator()(double t) const {
    double sum = squares[0] + t * (squares[1] + t * squares[2]);
    for (Eigen::Index i = 0; i < margin.size(); ++i) {
      sum += softplus_of_minus(margin[i] + t * towards[i]);
    }
    return sum;
  }
  struct derivatives {
    double first, second;
  };
  [[nodiscard]] derivatives at(double t) const {
    const Eigen::ArrayXd wrong = 1.0 / (1.0 + (margin + t * towards).min(700.0).exp());
    return {squares[1] + 2.0 * t * squares[2] - (wrong * towards).sum(),
            2.0 * squares[2] + (wrong * (1.0 - wrong) * towards.square()).sum()};
  }
  /// About the step of least loss, found by Newton's method between bounds.
  ///
  /// Sides that separate make Newton's steps for the weights too short, by a constant in the margins each time; longer
  /// ones save half of them and cost next to nothing.
  [[nodiscard]] double best_step() const {
    constexpr double enough = 0.1;  // of the slope at the start: 1 passes near the end, where Newton converges
    const double start = at(0.0).first;
    double low = 0.0;
    double high = std::numeric_limits<double>::infinity();
    double t = 1.0;
    for (int i = 0; i < 30; ++i) {
      const derivatives here = at(t);
      if (std::abs(here.first) <= enough * std::abs(start)) {
        break;
      }
      (here.first < 0.0 ? low : high) = t;
      t -= here.first / here.second;
      if (!(t > low && t < high)) {
        t = std::isfinite(high) ? 0.5 * (low + high) : 2.0 * low;
      }
    }
    return t;
  }
};

/// Newton's method, where `Weights` says what the weights are and solves for the next step.
///
/// What a step promises to gain does not depend on the rows' scale. Once that is rounding of the loss, three whole steps
/// more square the error away; the last two keep the system of the first, which has hardly changed.
/// @throws numeric_error if it has not converged after `options.steps`
template <class Weights>
probe fit_logistic(Weights& weights, const Eigen::VectorXd& sign, probe_options options) {
  probe out;
  Eigen::ArrayXd odds = Eigen::ArrayXd::Zero(sign.size());
  loss_along line{odds, odds, {}};
  out.loss = line(0.0);
  for (int whole_steps = 0; whole_steps < 3; ++out.steps) {
    const Eigen::ArrayXd share = 1.0 / (1.0 + (-odds).exp());
    const Eigen::VectorXd pull = (share - 0.5 * (sign.array() + 1.0)).matrix();
    if (whole_steps == 0) {
      weights.factor((share * (1.0 - share)).matrix());
    }
    const Eigen::ArrayXd way = weights.step(pull, line.squares);
    line.margin = sign.array() * odds;
    line.towards = sign.array() * way;
    const double gain = -0.5 * (pull.array() * way).sum() - 0.5 * line.squares[1];
    if (out.steps == options.steps) {
      throw numeric_error(text("probe: has not converged after ", options.steps, " steps: the loss of ", out.loss,
                               " can still fall by about ", gain, "; expected more steps or a larger penalty"));
    }
    constexpr double rounding = 1e-12;  // of a sum of n losses
    double length = 1.0;
    if (gain <= rounding * std::max(1e-3, out.loss)) {
      ++whole_steps;
    } else {
      length = line.best_step();
      while (!(line(length) < out.loss) && length > 1e-8) {
        length *= 0.5;
      }
    }
    weights.take(length);
    odds += length * way;
    out.loss = line(length);
  }
  out.w = weights.w;
  out.bias = weights.bias;
  return out;
}

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
    Eigen::MatrixXd hessian = Eigen::MatrixXd::Zero(r + 1, r + 1);  // the last row is the bias; only the lower half is read
    hessian.topLeftCorner(r, r).selfadjointView<Eigen::Lower>().rankUpdate(weighted.transpose());
    hessian.topLeftCorner(r, r).diagonal().array() += penalty_;
    hessian.row(r).head(r) = weight.transpose() * rows_;
    hessian(r, r) = std::max(weight.sum(), 1e-12);  // every text far on its side: the bias hardly matters
    system_.compute(hessian);
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
/// with K the inner products and D the samples' weights in the second derivative: no eigenvalue is below λ, however far a
/// sample lies on its side.
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

/// Logistic regression with an L2 penalty on the weights and none on the bias, solved to the bottom.
///
/// w *reads* the concept; it need not be what writes it. Columns are not standardised.
///
/// @shape  positive [n, d], negative [m, d]
/// @throws shape_error if the widths differ; argument_error for a penalty or number of steps not above 0; numeric_error
///         for an empty side, NaN, or no convergence
/// @cost   O(N² d) once and O(N³ / 3) a step for N < d, else O(N d² + d³ / 3) a step; some six steps, N = n + m
/// @source iteratively reweighted least squares; used for steering by Li et al. 2023, arXiv:2306.03341 (ITI). Where
///         there are fewer samples than dimensions, the weights lie in the samples' span, and the fit is made there
template <class Positive, class Negative>
probe fit_probe(const Eigen::MatrixBase<Positive>& positive, const Eigen::MatrixBase<Negative>& negative,
                probe_options options = {}) {
  if (!(options.penalty > 0.0 && std::isfinite(options.penalty)) || options.steps < 1) {
    throw argument_error(detail::text("probe: penalty is ", options.penalty, " with ", options.steps,
                                      " steps; expected both above 0, and finite"));
  }
  detail::require_sides(positive, negative, 1, "probe");
  const Eigen::Index n = positive.rows();
  const Eigen::Index count = n + negative.rows();
  const Eigen::Index d = positive.cols();
  matrix<double> rows(count, d);
  rows << positive.template cast<double>(), negative.template cast<double>();
  const Eigen::RowVectorXd middle = detail::column_means(rows);  // the bias takes it up; the system is better conditioned
  rows.rowwise() -= middle;
  Eigen::VectorXd sign(count);
  sign << Eigen::VectorXd::Ones(n), -Eigen::VectorXd::Ones(count - n);
  probe out;
  if (count < d) {
    Eigen::MatrixXd products = Eigen::MatrixXd::Zero(count, count);
    products.selfadjointView<Eigen::Lower>().rankUpdate(rows);
    detail::weights_of_samples<double> weights(std::move(products), options.penalty);
    out = detail::fit_logistic(weights, sign, options);
    out.w = (rows.transpose() * out.w).eval();
  } else {
    detail::weights_of_columns<double> weights(std::move(rows), options.penalty);
    out = detail::fit_logistic(weights, sign, options);
  }
  out.bias -= middle.dot(out.w);
  return out;
}

}  // namespace v0
}  // namespace steer
