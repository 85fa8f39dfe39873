// steer/recipe/edit.hpp: one change to the activations, as plain data.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/recipe/row_selection.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

/// What a strength of 1 means. v is the direction as extracted, u = v / |v|, h one row.
enum class strength_unit : std::uint8_t {
  raw,          ///< v
  unit,         ///< u
  of_norm,      ///< u times the mean row norm at that layer, stored with the vector
  of_row_norm,  ///< u times |h| on entry to the plan at that site, at most `cap` times that mean
  sigma,        ///< u times the standard deviation of the texts' projections, stored with the vector
};

constexpr std::string_view to_string(strength_unit unit) noexcept {
  switch (unit) {
    case strength_unit::raw: return "raw";
    case strength_unit::unit: return "unit";
    case strength_unit::of_norm: return "of_norm";
    case strength_unit::of_row_norm: return "of_row_norm";
    case strength_unit::sigma: break;
  }
  return "sigma";
}

/// h' = h + dose * u
struct add_edit {
  float strength = 1.0F;
  /// Empty: `of_norm`, or `raw` for a vector that has no norms.
  std::optional<strength_unit> unit = std::nullopt;
  /// `of_row_norm` only: the largest |h| that counts, as a multiple of the mean row norm. Infinity switches it off.
  float cap = 2.0F;

  bool operator==(const add_edit&) const = default;
};

/// h' = h - amount * u (u . h): 1 ablates the component, 2 reflects it, a negative amount amplifies it.
struct scale_edit {
  float amount = 1.0F;

  bool operator==(const scale_edit&) const = default;
};

/// One operation with one steering vector, at the layers and rows named.
struct edit {
  std::variant<add_edit, scale_edit> operation = add_edit{};
  steering_vector vector = {};
  std::vector<int> layers = {};  ///< empty: every layer for which the vector has a direction
  row_selection rows = {};

  bool operator==(const edit&) const = default;
};

/// "add \"happy\"", for messages.
inline std::string to_string(const edit& e) {
  return detail::text(std::holds_alternative<add_edit>(e.operation) ? "add" : "scale", " \"", e.vector.name, "\"");
}

/// @throws numeric_error or argument_error, naming the edit, if its numbers have no meaning
inline void check(const edit& e) {
  const std::string who = to_string(e);
  check(e.vector);
  check(e.rows, who);
  if (const auto* add = std::get_if<add_edit>(&e.operation)) {
    if (!std::isfinite(add->strength)) {
      throw numeric_error(detail::text(who, ": strength is ", add->strength, "; expected a finite number"));
    }
    if (!(add->cap > 0.0F)) {
      throw numeric_error(detail::text(who, ": cap is ", add->cap, "; expected a number above 0"));
    }
  } else if (const float amount = std::get<scale_edit>(e.operation).amount; !std::isfinite(amount)) {
    throw numeric_error(detail::text(who, ": amount is ", amount, "; expected a finite number"));
  }
}

}  // namespace v0
}  // namespace steer
