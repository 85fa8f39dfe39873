// steer/recipe/edits/turn.hpp: rows are turned within a plane, by an angle or to an angle.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <string>
#include <string_view>

#include "steer/kernel/rounded_product.hpp"
#include "steer/recipe/field.hpp"
#include "steer/recipe/form.hpp"
#include "steer/vector/plane.hpp"

namespace steer {
inline namespace v0 {

namespace detail {

inline matrix<double> rows_of(const plane& p) {
  matrix<double> out(2, p.first.size());
  out.row(0) = p.first.transpose();
  out.row(1) = p.second.transpose();
  return out;
}

}  // namespace detail

/// h' = h - P h + |P h| (cos θ b₁ + sin θ b₂), P the projector on the plane: idempotent, and keeps the norm.
/// @source Vu et al. 2025, arXiv:2510.26243 (Angular Steering)
struct angle_edit {
  static constexpr std::string_view name = "set angle";

  steer::plane plane = {};
  float angle = 0.0F;  ///< θ in radians, from the plane's first vector towards its second

  bool operator==(const angle_edit&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("plane", self.plane);
    visit("angle", self.angle, domain::finite);
  }

  [[nodiscard]] form at(int, const std::string&) const {
    low_rank_form out;
    out.read = detail::rows_of(plane);
    out.write = out.read;
    out.decided_by = low_rank_form::policy::own;
    out.numbers = {std::cos(static_cast<double>(angle)), std::sin(static_cast<double>(angle))};
    return out;
  }

  /// z = |c| (cos θ, sin θ) - c
  static double decide(const double* numbers, const row_reading& row, double* z) noexcept {
    const double length = std::hypot(row.c[0], row.c[1]);
    z[0] = kernel::rounded_product(length, numbers[0]) - row.c[0];
    z[1] = kernel::rounded_product(length, numbers[1]) - row.c[1];
    return 1.0;
  }

  void apply(int, double, Eigen::VectorXd& h) const {
    const double a = plane.first.dot(h);
    const double b = plane.second.dot(h);
    const double length = std::sqrt(a * a + b * b);
    const auto theta = static_cast<double>(angle);
    h += (length * std::cos(theta) - a) * plane.first + (length * std::sin(theta) - b) * plane.second;
  }
};

/// h' = h - P h + R_θ P h, R_θ the rotation within the plane: angles add up, and the norm stays.
struct rotate_edit {
  static constexpr std::string_view name = "rotate";

  steer::plane plane = {};
  float angle = 0.0F;  ///< θ in radians, from the plane's first vector towards its second

  bool operator==(const rotate_edit&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("plane", self.plane);
    visit("angle", self.angle, domain::finite);
  }

  [[nodiscard]] form at(int, const std::string&) const {
    const matrix<double> rows = detail::rows_of(plane);
    const double cosine = std::cos(static_cast<double>(angle));
    const double sine = std::sin(static_cast<double>(angle));
    Eigen::MatrixXd turn(2, 2);
    turn << cosine - 1.0, -sine, sine, cosine - 1.0;
    return low_rank_form::affine(rows, rows, turn, Eigen::VectorXd::Zero(2));
  }

  void apply(int, double, Eigen::VectorXd& h) const {
    const double a = plane.first.dot(h);
    const double b = plane.second.dot(h);
    const auto theta = static_cast<double>(angle);
    h += (std::cos(theta) * a - std::sin(theta) * b - a) * plane.first;
    h += (std::sin(theta) * a + std::cos(theta) * b - b) * plane.second;
  }
};

}  // namespace v0
}  // namespace steer
