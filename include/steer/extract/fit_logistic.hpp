// steer/extract/fit_logistic.hpp: Newton's method for a probe, for `probe.ipp`.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <Eigen/Core>

#include "steer/core/error.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// log(1 + exp(-t)) without overflow.
inline double softplus_of_minus(double t) { return std::max(-t, 0.0) + std::log1p(std::exp(-std::abs(t))); }

/// The loss along a line of classifiers, each with a step `t` of one direction: all it takes are the log-odds.
template <class Scalar>
struct loss_along {
  Eigen::ArrayX<Scalar> margin;   ///< [n], signed log-odds
  Eigen::ArrayX<Scalar> towards;  ///< [n], what a whole step adds to them
  double squares[3];              ///< of the penalty, 1, t and t²

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
    const Eigen::ArrayX<Scalar> wrong = 1.0 / (1.0 + (margin + t * towards).min(700.0).exp());
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

/// Where Newton's method has come to.
struct logistic_fit {
  double loss = 0.0;
  int steps = 0;
};

/// Newton's method, where `Weights` says what the weights are and solves for the next step.
///
/// What a step promises to gain does not depend on the rows' scale. Once that is rounding of the loss, three whole
/// steps more square the error away; the last two keep the system of the first, which has hardly changed.
/// @throws numeric_error if it has not converged after so many steps
template <class Weights, class Scalar>
logistic_fit fit_logistic(Weights& weights, const Eigen::VectorX<Scalar>& sign, int most_steps) {
  logistic_fit out;
  Eigen::ArrayX<Scalar> odds = Eigen::ArrayX<Scalar>::Zero(sign.size());
  loss_along<Scalar> line{odds, odds, {}};
  out.loss = line(0.0);
  for (int whole_steps = 0; whole_steps < 3; ++out.steps) {
    const Eigen::ArrayX<Scalar> share = 1.0 / (1.0 + (-odds).exp());
    const Eigen::VectorX<Scalar> pull = (share - 0.5 * (sign.array() + 1.0)).matrix();
    if (whole_steps == 0) {
      weights.factor((share * (1.0 - share)).matrix());
    }
    const Eigen::ArrayX<Scalar> way = weights.step(pull, line.squares);
    line.margin = sign.array() * odds;
    line.towards = sign.array() * way;
    const double gain = -0.5 * (pull.array() * way).sum() - 0.5 * line.squares[1];
    if (out.steps == most_steps) {
      throw numeric_error(
          text({"probe: has not converged after ", actual({most_steps, " steps"}), ": the loss of ", out.loss,
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
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
