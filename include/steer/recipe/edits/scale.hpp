// steer/recipe/edits/scale.hpp: h' = h - amount u (u . h).
#pragma once

#include <Eigen/Core>
#include <string>
#include <string_view>

#include "steer/recipe/field.hpp"
#include "steer/recipe/form.hpp"

namespace steer {
inline namespace v0 {

/// h' = h - amount u (u . h): 1 ablates the component, 2 reflects it, a negative amount amplifies it.
struct scale_edit {
  static constexpr std::string_view name = "scale";

  steering_vector vector = {};
  float amount = 1.0F;

  bool operator==(const scale_edit&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("vector", self.vector);
    visit("amount", self.amount, domain::finite);
  }

  [[nodiscard]] form at(int layer, const std::string&) const {
    const matrix<double> u = steer::unit(vector.directions.at(layer)).transpose();
    return low_rank_form::affine(u, u, Eigen::MatrixXd::Constant(1, 1, -static_cast<double>(amount)),
                                 Eigen::VectorXd::Zero(1));
  }

  void apply(int layer, double, Eigen::VectorXd& h) const {
    const Eigen::VectorXd u = steer::unit(vector.directions.at(layer));
    h -= static_cast<double>(amount) * u * u.dot(h);
  }
};

}  // namespace v0
}  // namespace steer
