// steer/recipe/edits/towards.hpp: rows are turned on their sphere towards a direction.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "steer/recipe/field.hpp"
#include "steer/recipe/form.hpp"

namespace steer {
inline namespace v0 {

/// h' = |h| slerp(h / |h|, u, share): a share of the angle between the row and u, at the same norm.
///
/// A row of zeros, and one that points away from u to within 0.03 radians, have no way to go and stay.
/// @source Shoemake 1985, doi:10.1145/325165.325242 (slerp)
struct towards_edit {
  static constexpr std::string_view name = "towards";

  steering_vector vector = {};
  float share = 0.0F;  ///< 0 leaves the row, 1 turns it all the way

  bool operator==(const towards_edit&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("vector", self.vector);
    visit("share", self.share, domain::fraction);
  }

  [[nodiscard]] form at(int layer, const std::string&) const {
    low_rank_form out;
    out.read = steer::unit(vector.directions.at(layer)).transpose();
    out.write = share == 0.0F ? matrix<double>::Zero(1, out.read.cols()) : out.read;
    out.decided_by = low_rank_form::policy::own;
    out.asks_for = low_rank_form::norm::current;
    out.numbers = {static_cast<double>(share)};
    return out;
  }

  static double decide(const double* numbers, const row_reading& row, double* z) noexcept {
    const weights w = weights_of(row.c[0], row.norm, numbers[0]);
    z[0] = w.direction;
    return w.row;
  }

  void apply(int layer, double, Eigen::VectorXd& h) const {
    const Eigen::VectorXd u = steer::unit(vector.directions.at(layer));
    const weights w = weights_of(u.dot(h), h.norm(), static_cast<double>(share));
    h = w.row * h + w.direction * u;
  }

 private:
  struct weights {
    double row;
    double direction;
  };

  static weights weights_of(double c, double norm, double t) noexcept {
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
};

}  // namespace v0
}  // namespace steer
