// steer/recipe/options.hpp: what the calls of a recipe take by name, besides a placement.
#pragma once

#include <optional>

#include "steer/core/site.hpp"
#include "steer/recipe/edits/add.hpp"
#include "steer/recipe/edits/bound.hpp"
#include "steer/vector/strength_unit.hpp"

namespace steer {
inline namespace v0 {

/// Options of `recipe::add`.
struct add_options {
  float strength = 1.0F;
  std::optional<strength_unit> unit = std::nullopt;
  float cap = add_edit{}.cap;
};

/// Options of `recipe::ablate`.
struct ablate_options {
  float share = 1.0F;  ///< of the component
};

/// Options of `recipe::scale`.
struct scale_options {
  float factor = 1.0F;  ///< of the component
};

/// Options of `recipe::set`, `cap`, `floor` and `keep_within`.
struct bound_options {
  strength_unit unit = strength_unit::unit;
  coordinate_origin origin = coordinate_origin::zero;
  float ridge = 0.0F;
};

/// Options of `recipe::erase`.
struct erase_options {
  coordinate_origin origin = coordinate_origin::zero;
};

/// Options of `recipe::set_angle` and `rotate`.
struct turn_options {
  float angle = 0.0F;  ///< in radians, from the plane's first vector towards its second
  steer::point point = steer::point::residual_out;
};

/// Options of `recipe::turn_towards`.
struct towards_options {
  float share = 0.0F;  ///< of the angle
};

/// Options of `recipe::transform`.
struct transform_options {
  float share = 1.0F;  ///< of the way to the image
  /// Where a single map acts, residual_out if it is not said. Maps by layer have a point of their own, which this may not contradict.
  std::optional<steer::point> point = std::nullopt;
};

}  // namespace v0
}  // namespace steer
