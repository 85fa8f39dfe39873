// steer/guard/dosed_recipe.ipp: the bodies of dosed_recipe.hpp.
#pragma once

#include <cmath>
#include <span>
#include <utility>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/guard/dosed_recipe.hpp"
#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY recipe stacked(std::span<const dosed_recipe> stack) {
  recipe out;
  for (const dosed_recipe& part : stack) {
    if (part.source == nullptr) {
      throw argument_error(text({thing({"stack: \"", part.name, "\""}), " has ", actual("no recipe"), "; expected ", expected("one")}));
    }
    if (!std::isfinite(part.dose)) {
      throw numeric_error(text({thing({"stack: \"", part.name, "\""}), " has the dose ", actual(part.dose), "; expected ", expected("a finite number")}));
    }
    for (const edit& e : part.source->recipe.edits()) {
      if (part.dose != 0.0) {
        edit dosed = e;
        dosed.where.gate.share = static_cast<float>(static_cast<double>(dosed.where.gate.share) * part.dose);
        out.append(std::move(dosed));
      }
    }
  }
  return out;
}

}  // namespace v0
}  // namespace steer
