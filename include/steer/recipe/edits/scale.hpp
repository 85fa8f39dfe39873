// steer/recipe/edits/scale.hpp: h' = h - amount u (u . h).
#pragma once

#include <string_view>

#include "steer/recipe/field.hpp"

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
};

}  // namespace v0
}  // namespace steer
