// steer/recipe/preset.hpp: a recipe under a name and a version.
#pragma once

#include <string>
#include <string_view>

#include "steer/core/linkage.hpp"
#include "steer/recipe/documented_recipe.hpp"

namespace steer {
inline namespace v0 {

/// A named, versioned recipe: plain data. A dose of 1 is the recipe as it is.
struct preset {
  std::string name = {};   ///< letters, digits and underscores, beginning with a letter; at most 64
  int version = 1;         ///< from 1; a later one is newer
  double least_dose = 0.0;  ///< doses between these two were looked at; others may do anything
  double most_dose = 1.0;
  documented_recipe content = {};

  bool operator==(const preset&) const = default;
};

/// "terse@3".
STEER_API std::string reference_of(const preset& p);

/// What a reference names; version 0: the newest.
struct preset_reference {
  std::string name;
  int version = 0;

  bool operator==(const preset_reference&) const = default;
};

/// "terse" or "terse@3".
/// @throws argument_error for a name that no preset can have, or a version that is not written as a whole number from 1
STEER_API preset_reference parse_preset_reference(std::string_view written);

/// @throws argument_error for a name as above, a version below 1 or doses out of order, numeric_error for doses that are not finite; as
///         `check` of the recipe
STEER_API void check(const preset& p);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/recipe/preset.ipp"
#endif
