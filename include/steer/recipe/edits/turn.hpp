// steer/recipe/edits/turn.hpp: rows are turned within a plane, by an angle or to an angle.
#pragma once

#include <string_view>

#include "steer/recipe/field.hpp"
#include "steer/vector/plane.hpp"

namespace steer {
inline namespace v0 {

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
};

}  // namespace v0
}  // namespace steer
