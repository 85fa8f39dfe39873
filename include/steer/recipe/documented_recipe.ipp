// steer/recipe/documented_recipe.ipp: the bodies of documented_recipe.hpp.
#pragma once

#include "steer/core/real.hpp"
#include "steer/recipe/documented_recipe.hpp"
#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY void check(const documented_recipe& r) {
  for (const edit& each : r.recipe.edits()) {
    check(each);
  }
  if (r.fitted) {
    check(*r.fitted);
  }
  if (r.response) {
    check(*r.response);
  }
}

}  // namespace v0
}  // namespace steer
