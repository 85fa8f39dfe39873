// steer/guard/dosed_recipe.hpp: a recipe, and how much of it.
#pragma once

#include <span>
#include <string>

#include "steer/core/linkage.hpp"
#include "steer/recipe/documented_recipe.hpp"
#include "steer/recipe/recipe.hpp"

namespace steer {
inline namespace v0 {

/// One of the recipes of a stack, and how much of it: each of its edits is shown to a row by that share, as `routes` do it.
struct dosed_recipe {
  std::string name = {};  ///< for messages, and to find it in a measured response
  const documented_recipe* source = nullptr;
  double dose = 1.0;
};

/// The stack as one recipe, doses in the gates' shares. A part of dose 0 is left out.
/// @throws argument_error for a null recipe; numeric_error for a dose that is not finite, or too large for a gate
STEER_API recipe stacked(std::span<const dosed_recipe> stack);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/guard/dosed_recipe.ipp"
#endif
