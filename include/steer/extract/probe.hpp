// steer/extract/probe.hpp: logistic regression, whose weights read a concept.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/probe_weights.hpp"
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

/// The loss along a line of classifiers, each with a step `t` of one direction: all it takes are the log-odds.
struct loss_along {
  Eigen::ArrayXd margin;   ///< [n], signed log-odds
  Eigen::ArrayXd towards;  ///< [n], what a whole step adds to them
  double squares[3];       ///< of the penalty, 1, t and t²

  STEER_API [[nodiscard]] double operator()(double t) const;
  struct derivatives {
    double first, second;
  };
  STEER_API [[nodiscard]] derivatives at(double t) const;
  /// About the step of least loss, found by Newton's method between bounds.
  ///
  /// Sides that separate make Newton's steps for the weights too short, by a constant in the margins each time; longer
  /// ones save half of them and cost next to nothing.
  STEER_API [[nodiscard]] double best_step() const;
};

/// Newton's method, where `Weights` says what the weights are and solves for the next step.
///
/// What a step promises to gain does not depend on the rows' scale. Once that is rounding of the loss, three whole
/// steps more square the error away; the last two keep the system of the first, which has hardly changed.
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
      throw numeric_error(
          text({"probe: has not converged after ", actual({options.steps, " steps"}), ": the loss of ", out.loss,
                " can still fall by about ", gain, "; expected ", expected("more steps or a larger penalty")}));
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

}  // namespace detail

/// Logistic regression with an L2 penalty on the weights and none on the bias, solved to the bottom.
///
/// w *reads* the concept; it need not be what writes it. Columns are not standardised.
///
/// @shape  positive [n, d], negative [m, d]
/// @throws shape_error if the widths differ; argument_error for a penalty or number of steps not above 0; numeric_error
///         for an empty side, NaN, squares that overflow, a penalty too small for samples that do not span, or no convergence
/// @cost   O(N² d) once and O(N³ / 3) a step for N < d, else O(N d² + d³ / 3) a step; some six steps, N = n + m
/// @source iteratively reweighted least squares; used for steering by Li et al. 2023, arXiv:2306.03341 (ITI). Where
///         there are fewer samples than dimensions, the weights lie in the samples' span, and the fit is made there
template <class Positive, class Negative>
probe fit_probe(const Eigen::MatrixBase<Positive>& positive, const Eigen::MatrixBase<Negative>& negative,
                probe_options options = {}) {
  if (!(options.penalty > 0.0 && std::isfinite(options.penalty)) || options.steps < 1) {
    throw argument_error(
        detail::text({"probe: penalty is ", detail::actual({options.penalty, " with ", options.steps, " steps"}),
                      "; expected ", detail::expected("both above 0, and finite")}));
  }
  detail::require_sides(positive, negative, 1, "probe");
  const Eigen::Index n = positive.rows();
  const Eigen::Index count = n + negative.rows();
  const Eigen::Index d = positive.cols();
  matrix<double> rows(count, d);
  rows << positive.template cast<double>(), negative.template cast<double>();
  const Eigen::RowVectorXd middle = detail::column_means(rows);  // the bias takes it up: a better conditioned system
  rows.rowwise() -= middle;
  if (!std::isfinite(rows.squaredNorm())) {
    throw numeric_error(detail::text({"probe: the squares of the samples ", detail::actual("overflow"), "; expected ",
                                      detail::expected("numbers up to about 1e150")}));
  }
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

#ifndef STEER_COMPILED
#include "steer/extract/probe.ipp"
#endif
