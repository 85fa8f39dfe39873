// steer/recipe/edits/bound.hpp: coordinates are set, capped, floored or kept within an interval, jointly.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/recipe/field.hpp"
#include "steer/vector/strength_unit.hpp"

namespace steer {
inline namespace v0 {

/// Where a coordinate is 0.
enum class coordinate_origin : std::uint8_t {
  zero,      ///< at h = 0
  midpoint,  ///< at the vector's origin, between the two sides' means
};
constexpr coordinate_origin last_of(coordinate_origin) noexcept { return coordinate_origin::midpoint; }
constexpr std::string_view to_string(coordinate_origin value) noexcept {
  switch (value) {
    case coordinate_origin::zero: return "zero";
    case coordinate_origin::midpoint: break;
  }
  return "midpoint";
}

/// h' = h + Vᵀ G⁻¹ (t - c), c = V (h - origin), t = c cut to [low, high], V the unit directions and G = V Vᵀ.
///
/// Equal bounds set the coordinates; low alone is a floor, high alone a cap. All coordinates are met at once, also where
/// the directions are not orthogonal; one edit after the other would undo each other in part.
struct bound_edit {
  static constexpr std::string_view name = "bound";

  std::vector<steering_vector> vectors = {};
  std::vector<float> low = {};                             ///< one for each vector; -infinity: none
  std::vector<float> high = {};                            ///< one for each vector; infinity: none
  strength_unit unit = strength_unit::unit;                ///< of the bounds; any but `of_row_norm`
  coordinate_origin origin = coordinate_origin::zero;
  float ridge = 0.0F;                                      ///< see `frame_options`

  bool operator==(const bound_edit&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("vector", self.vectors);
    visit("low", self.low, domain::bound);
    visit("high", self.high, domain::bound);
    visit("unit", self.unit);
    visit("origin", self.origin);
    visit("ridge", self.ridge, domain::not_negative);
  }

  STEER_API void check_more(const std::string& who) const;
};

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/recipe/edits/bound.ipp"
#endif
