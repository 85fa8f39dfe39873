// steer/vector/strength_unit.hpp: what a strength of 1 means.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "steer/core/linkage.hpp"
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
constexpr strength_unit last_of(strength_unit) noexcept { return strength_unit::sigma; }

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

/// @throws argument_error naming the five names
STEER_API strength_unit strength_unit_from_string(std::string_view name);

namespace detail {

/// A measurement that a unit needs.
/// @throws argument_error if the vector lacks it; `who` names the edit and the layer
STEER_API double measured(const std::optional<double>& value, strength_unit unit, const char* name,
                       const std::string& who);

/// Activation units along u in one unit of strength. For `of_row_norm`, of a row of norm 1.
STEER_API double size_of(strength_unit unit, const direction& v, const std::string& who);

/// The unit named, else `of_norm`, or `raw` for a vector without norms.
/// @throws argument_error if some layers have a norm and some have none
STEER_API strength_unit unit_or_default(const std::optional<strength_unit>& named, const steering_vector& vector,
                                     const std::vector<int>& layers, const std::string& who);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/vector/strength_unit.ipp"
#endif
