// steer/recipe/documented_recipe.hpp: a recipe with what is known of it.
#pragma once

#include <optional>

#include "steer/core/linkage.hpp"
#include "steer/recipe/recipe.hpp"
#include "steer/vector/fitted.hpp"
#include "steer/vector/response.hpp"

namespace steer {
inline namespace v0 {

/// A recipe with what is known of it: plain data.
struct documented_recipe {
  steer::recipe recipe = {};
  std::optional<steer::fitted> fitted = std::nullopt;      ///< what it was fitted to, if it was
  std::optional<steer::response> response = std::nullopt;  ///< what doses of its vectors do, if that was measured

  bool operator==(const documented_recipe&) const = default;
};

/// @throws as `check` of each part
STEER_API void check(const documented_recipe& r);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/recipe/documented_recipe.ipp"
#endif
