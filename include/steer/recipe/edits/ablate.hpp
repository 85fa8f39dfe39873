// steer/recipe/edits/ablate.hpp: h' = h - share u (u . h).
#pragma once

#include <string_view>

#include "steer/recipe/field.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

/// h' = h - share u (u . h): a share of 1 removes the component, 2 reflects it, one below 0 amplifies it.
struct ablate_edit {
  static constexpr std::string_view name = "ablate";

  steering_vector vector = {};
  float share = 1.0F;  ///< of the component: what is taken away

  bool operator==(const ablate_edit&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("vector", self.vector);
    visit("share", self.share, domain::finite);
  }
};

}  // namespace v0
}  // namespace steer
