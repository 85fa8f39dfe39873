// steer/extract/probe.hpp: logistic regression, whose weights read a concept.
#pragma once

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <concepts>

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

/// Newton's method with halved steps on rows [n, r]; the last column of the system is the bias.
///
/// What a step promises to gain does not depend on the rows' scale. Once that is rounding of the loss, three whole steps
/// more square the error away.
/// @throws numeric_error if it has not converged after `options.steps`
template <std::same_as<double> Scalar>
probe fit_logistic(const Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>& rows, const Eigen::VectorXd& sign,
                   probe_options options) {
  const Eigen::Index r = rows.cols();
  const auto loss_at = [&](const Eigen::VectorXd& w, double bias) {
    const Eigen::VectorXd margin = sign.cwiseProduct(((rows * w).array() + bias).matrix());
    double sum = 0.5 * options.penalty * w.squaredNorm();
    for (const double t : margin) {
      sum += softplus_of_minus(t);
    }
    return sum;
  };
  probe out{Eigen::VectorXd::Zero(r)};
  out.loss = loss_at(out.w, 0.0);
  for (int whole_steps = 0; whole_steps < 3; ++out.steps) {
    const Eigen::VectorXd odds = ((rows * out.w).array() + out.bias).matrix();
    const Eigen::VectorXd share = (1.0 / (1.0 + (-odds.array()).exp())).matrix();
    const Eigen::VectorXd pull = share - (0.5 * (sign.array() + 1.0)).matrix();
    Eigen::VectorXd gradient(r + 1);
    gradient << rows.transpose() * pull + options.penalty * out.w, pull.sum();
    const Eigen::VectorXd weight = share.cwiseProduct((1.0 - share.array()).matrix());
    const Eigen::MatrixXd weighted = weight.asDiagonal() * rows;
    Eigen::MatrixXd hessian(r + 1, r + 1);
    hessian.topLeftCorner(r, r).noalias() = rows.transpose() * weighted;
    hessian.topLeftCorner(r, r).diagonal().array() += options.penalty;
    hessian.col(r).head(r) = weighted.colwise().sum().transpose();
    hessian.row(r).head(r) = hessian.col(r).head(r).transpose();
    hessian(r, r) = std::max(weight.sum(), 1e-12);  // every text far on its side: the bias hardly matters
    const Eigen::VectorXd step = Eigen::LLT<Eigen::MatrixXd>(hessian).solve(gradient);
    const double gain = 0.5 * gradient.dot(step);
    if (out.steps == options.steps) {
      throw numeric_error(text("probe: has not converged after ", options.steps, " steps: the loss of ", out.loss,
                               " can still fall by about ", gain, "; expected more steps or a larger penalty"));
    }
    double length = 1.0;
    double next = loss_at(out.w - step.head(r), out.bias - step[r]);
    constexpr double rounding = 1e-12;  // of a sum of n losses
    if (gain <= rounding * std::max(1e-3, out.loss)) {
      ++whole_steps;
    } else {
      while (!(next < out.loss) && length > 1e-8) {
        length *= 0.5;
        next = loss_at(out.w - length * step.head(r), out.bias - length * step[r]);
      }
    }
    out.w -= length * step.head(r);
    out.bias -= length * step[r];
    out.loss = next;
  }
  return out;
}

}  // namespace detail

/// Logistic regression with an L2 penalty on the weights and none on the bias, solved to the bottom.
///
/// w *reads* the concept; it need not be what writes it. Columns are not standardised.
///
/// @shape  positive [n, d], negative [m, d]
/// @throws shape_error if the widths differ; argument_error for a penalty or number of steps not above 0; numeric_error
///         for an empty side, NaN, or no convergence
/// @cost   O(N r² + r³) a step, some ten steps, N = n + m, r = min(N, d); for N < d once O(N² d)
/// @source iteratively reweighted least squares; used for steering by Li et al. 2023, arXiv:2306.03341 (ITI). Where
///         there are fewer samples than dimensions, the weights lie in the samples' span, and the fit is made there
template <class Positive, class Negative>
probe fit_probe(const Eigen::MatrixBase<Positive>& positive, const Eigen::MatrixBase<Negative>& negative,
                probe_options options = {}) {
  if (!(options.penalty > 0.0 && std::isfinite(options.penalty)) || options.steps < 1) {
    throw argument_error(detail::text("probe: penalty is ", options.penalty, " with ", options.steps,
                                      " steps; expected both above 0, and finite"));
  }
  const detail::two_sides both = detail::sides(positive, negative, 1, "probe");
  const Eigen::Index n = both.positive.rows();
  const Eigen::Index count = n + both.negative.rows();
  const Eigen::Index d = both.width();
  Eigen::MatrixXd rows(count, d);
  rows << both.positive, both.negative;
  const Eigen::RowVectorXd middle = rows.colwise().mean();  // the bias takes it up; the system is better conditioned
  rows.rowwise() -= middle;
  Eigen::VectorXd sign(count);
  sign << Eigen::VectorXd::Ones(n), -Eigen::VectorXd::Ones(count - n);
  probe out;
  if (count < d) {
    const Eigen::HouseholderQR<Eigen::MatrixXd> factored(rows.transpose());  // rows = Rᵀ Qᵀ
    const Eigen::MatrixXd upper = factored.matrixQR().topRows(count).triangularView<Eigen::Upper>();
    out = detail::fit_logistic<double>(upper.transpose(), sign, options);
    Eigen::VectorXd within = Eigen::VectorXd::Zero(d);
    within.head(count) = out.w;
    out.w = factored.householderQ() * within;
  } else {
    out = detail::fit_logistic(rows, sign, options);
  }
  out.bias -= middle.dot(out.w);
  return out;
}

}  // namespace v0
}  // namespace steer
