// steer/recipe/edits/turn.ipp: the bodies of turn.hpp.
#pragma once

#include <cmath>
#include <string>
#include <Eigen/Core>

#include "steer/core/real.hpp"
#include "steer/kernel/rounded_product.hpp"
#include "steer/recipe/edits/turn.hpp"
#include "steer/recipe/form.hpp"
#include "steer/vector/plane.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY matrix<double> rows_of(const plane& p) {
  matrix<double> out(2, p.first.size());
  out.row(0) = p.first.transpose();
  out.row(1) = p.second.transpose();
  return out;
}

}  // namespace detail


STEER_BODY form angle_edit::at(int, const std::string&) const {
  low_rank_form out;
  out.read = detail::rows_of(plane);
  out.write = out.read;
  out.decided_by = low_rank_form::policy::own;
  out.numbers = {std::cos(static_cast<double>(angle)), std::sin(static_cast<double>(angle))};
  return out;
}

STEER_BODY double angle_edit::decide(const double* numbers, const row_reading& row, double* z) noexcept {
  const double length = std::hypot(row.c[0], row.c[1]);
  z[0] = kernel::rounded_product(length, numbers[0]) - row.c[0];
  z[1] = kernel::rounded_product(length, numbers[1]) - row.c[1];
  return 1.0;
}

STEER_BODY void angle_edit::apply(int, double, Eigen::VectorXd& h) const {
  const double a = plane.first.dot(h);
  const double b = plane.second.dot(h);
  const double length = std::sqrt(a * a + b * b);
  const auto theta = static_cast<double>(angle);
  h += (length * std::cos(theta) - a) * plane.first + (length * std::sin(theta) - b) * plane.second;
}

STEER_BODY form rotate_edit::at(int, const std::string&) const {
  const matrix<double> rows = detail::rows_of(plane);
  const double cosine = std::cos(static_cast<double>(angle));
  const double sine = std::sin(static_cast<double>(angle));
  Eigen::MatrixXd turn(2, 2);
  turn << cosine - 1.0, -sine, sine, cosine - 1.0;
  return low_rank_form::affine(rows, rows, turn, Eigen::VectorXd::Zero(2));
}

STEER_BODY void rotate_edit::apply(int, double, Eigen::VectorXd& h) const {
  const double a = plane.first.dot(h);
  const double b = plane.second.dot(h);
  const auto theta = static_cast<double>(angle);
  h += (std::cos(theta) * a - std::sin(theta) * b - a) * plane.first;
  h += (std::sin(theta) * a + std::cos(theta) * b - b) * plane.second;
}

}  // namespace v0
}  // namespace steer
