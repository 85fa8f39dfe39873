// steer/recipe/recipe_of.hpp: doses of several vectors as a recipe.
#pragma once

#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/recipe/recipe.hpp"
#include "steer/vector/response.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

/// The recipe that gives each vector its dose; a dose of 0 leaves no trace.
/// @throws argument_error if there are not as many doses as vectors; as `recipe::add`
STEER_API recipe recipe_of(const std::vector<steering_vector>& vectors, const std::vector<double>& doses, const dose_unit& how);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/recipe/recipe_of.ipp"
#endif
