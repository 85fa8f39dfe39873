// steer/recipe/edits/transform.hpp: an affine map of the row, blended with what it was.
#pragma once

#include <string_view>

#include "steer/recipe/field.hpp"
#include "steer/vector/affine_map.hpp"

namespace steer {
inline namespace v0 {

/// h' = (1 - blend) h + blend T(h)
struct transform_edit {
  static constexpr std::string_view name = "transform";

  affine_map map = {};
  float blend = 1.0F;

  bool operator==(const transform_edit&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("map", self.map);
    visit("blend", self.blend, domain::finite);
  }
};

}  // namespace v0
}  // namespace steer
