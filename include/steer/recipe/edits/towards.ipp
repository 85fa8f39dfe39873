// steer/recipe/edits/towards.ipp: the bodies of towards.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <Eigen/Core>

#include "steer/core/real.hpp"
#include "steer/recipe/edits/towards.hpp"
#include "steer/recipe/form.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY form towards_edit::at(int layer, const std::string&) const {
  low_rank_form out;
  out.read = steer::unit(vector.directions.at(layer)).transpose();
  out.write = share == 0.0F ? matrix<double>::Zero(1, out.read.cols()) : out.read;
  out.decided_by = low_rank_form::policy::own;
  out.asks_for = low_rank_form::norm::current;
  out.numbers = {static_cast<double>(share)};
  return out;
}

STEER_BODY double towards_edit::decide(const double* numbers, const row_reading& row, double* z) noexcept {
  const weights w = weights_of(row.c[0], row.norm, numbers[0]);
  z[0] = w.direction;
  return w.row;
}

STEER_BODY void towards_edit::apply(int layer, double, Eigen::VectorXd& h) const {
  const Eigen::VectorXd u = steer::unit(vector.directions.at(layer));
  const weights w = weights_of(u.dot(h), h.norm(), static_cast<double>(share));
  h = w.row * h + w.direction * u;
}

STEER_BODY towards_edit::weights towards_edit::weights_of(double c, double norm, double t) noexcept {
  constexpr double opposite = 0.03;  // within this of a half turn, the way is a matter of rounding in float
  const double across = std::sqrt(std::max(0.0, (norm - c) * (norm + c)));
  const double angle = std::atan2(across, c);
  if (!(norm > 0.0) || angle > 3.14159265358979323846 - opposite) {
    return {1.0, 0.0};
  }
  const double sine = std::sin(angle);
  if (sine < 1e-9) {
    return {1.0 - t, t * norm};
  }
  return {std::sin((1.0 - t) * angle) / sine, norm * std::sin(t * angle) / sine};
}

}  // namespace v0
}  // namespace steer
