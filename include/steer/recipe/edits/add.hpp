// steer/recipe/edits/add.hpp: h' = h + dose u.
#pragma once

#include <optional>
#include <string_view>

#include "steer/recipe/field.hpp"
#include "steer/vector/strength_unit.hpp"

namespace steer {
inline namespace v0 {

/// h' = h + dose u
struct add_edit {
  static constexpr std::string_view name = "add";

  steering_vector vector = {};
  float strength = 1.0F;
  /// Empty: `of_norm`, or `raw` for a vector that has no norms. One with norms at some of the layers only is refused.
  std::optional<strength_unit> unit = std::nullopt;
  /// `of_row_norm` only: the largest |h| that counts, as a multiple of the mean row norm. Infinity switches it off.
  float cap = 2.0F;

  bool operator==(const add_edit&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("vector", self.vector);
    visit("strength", self.strength, domain::finite);
    visit("unit", self.unit);
    visit("cap", self.cap, domain::above_zero);
  }
};

}  // namespace v0
}  // namespace steer
