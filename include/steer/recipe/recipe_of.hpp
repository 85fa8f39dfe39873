// steer/recipe/recipe_of.hpp: doses of several vectors, or of several recipes, as one recipe.
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

/// Every edit of a recipe with so much of its effect: additions and maps in proportion, and nothing at 0. What only watches goes on to.
/// @throws argument_error for an edit that has no such dose: only `add` and `transform` do
STEER_API recipe with_dose(const recipe& source, float dose);

/// The recipes one after another, each with its dose; a dose of 0 leaves no trace. At one site the edits of the first act first.
/// @throws argument_error if there are not as many doses as recipes; as `with_dose`
STEER_API recipe recipe_of(const std::vector<recipe>& recipes, const std::vector<double>& doses);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/recipe/recipe_of.ipp"
#endif
