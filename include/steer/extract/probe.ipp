// steer/extract/probe.ipp: the bodies of probe.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/probe.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// log(1 + exp(-t)) without overflow.
inline double softplus_of_minus(double t) { return std::max(-t, 0.0) + std::log1p(std::exp(-std::abs(t))); }

STEER_BODY double loss_along::operator()(double t) const {
  double sum = squares[0] + t * (squares[1] + t * squares[2]);
  for (Eigen::Index i = 0; i < margin.size(); ++i) {
    sum += softplus_of_minus(margin[i] + t * towards[i]);
  }
  return sum;
}

STEER_BODY loss_along::derivatives loss_along::at(double t) const {
  const Eigen::ArrayXd wrong = 1.0 / (1.0 + (margin + t * towards).min(700.0).exp());
  return {squares[1] + 2.0 * t * squares[2] - (wrong * towards).sum(),
          2.0 * squares[2] + (wrong * (1.0 - wrong) * towards.square()).sum()};
}

STEER_BODY double loss_along::best_step() const {
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

}  // namespace detail
}  // namespace v0
}  // namespace steer
