// steer/recipe/edits/transform.hpp: rows go to their image under an affine map, or a share of the way.
#pragma once

#include <string_view>

#include "steer/recipe/field.hpp"
#include "steer/vector/affine_map.hpp"

namespace steer {
inline namespace v0 {

/// h' = (1 - share) h + share T(h)
struct transform_edit {
  static constexpr std::string_view name = "transform";

  affine_map map = {};
  float share = 1.0F;  ///< 0 leaves the row, 1 puts the image in its place

  bool operator==(const transform_edit&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("map", self.map);
    visit("share", self.share, domain::finite);
  }
};

}  // namespace v0
}  // namespace steer
