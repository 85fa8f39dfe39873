// steer/recipe/edits/towards.hpp: rows are turned on their sphere towards a direction.
#pragma once

#include <string_view>

#include "steer/recipe/field.hpp"

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
};

}  // namespace v0
}  // namespace steer
