// steer/recipe/recipe_of.ipp: the bodies of recipe_of.hpp.
#pragma once

#include <cstddef>
#include <utility>
#include <variant>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/recipe/edit.hpp"
#include "steer/recipe/recipe.hpp"
#include "steer/recipe/recipe_of.hpp"
#include "steer/vector/response.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

namespace detail {

template <class Real>
void require_as_many(std::size_t doses, std::size_t count, const char* of_what) {
  if (doses != count) {
    throw argument_error(text({"recipe_of: has ", actual(doses), " doses for ", expected(count), " ", of_what, "; expected as many"}));
  }
}

}  // namespace detail

STEER_BODY recipe recipe_of(const std::vector<steering_vector>& vectors, const std::vector<double>& doses, const dose_unit& how) {
  detail::require_as_many<Real>(doses.size(), vectors.size(), "vectors");
  recipe out;
  for (std::size_t j = 0; j < vectors.size(); ++j) {
    if (doses[j] != 0.0) {
      out.add(vectors[j], {.strength = static_cast<float>(doses[j]), .unit = how.unit, .cap = how.cap}, {.layers = how.layers});
    }
  }
  return out;
}

STEER_BODY recipe with_dose(const recipe& source, float dose) {
  recipe out;
  for (edit each : source.edits()) {
    if (auto* const addition = std::get_if<add_edit>(&each.operation)) {
      addition->strength *= dose;
    } else if (auto* const map = std::get_if<transform_edit>(&each.operation)) {
      map->share *= dose;
    } else if (!std::holds_alternative<watch_edit>(each.operation)) {
      throw argument_error(text({thing(to_string(each)), " has ", actual("no dose"), " to be multiplied; expected ",
                                 expected("an addition or a map, or what only watches")}));
    }
    out.append(std::move(each));
  }
  return out;
}

STEER_BODY recipe recipe_of(const std::vector<recipe>& recipes, const std::vector<double>& doses) {
  detail::require_as_many<Real>(doses.size(), recipes.size(), "recipes");
  recipe out;
  for (std::size_t j = 0; j < recipes.size(); ++j) {
    if (doses[j] == 0.0) {
      continue;
    }
    const recipe dosed = with_dose(recipes[j], static_cast<float>(doses[j]));
    for (const edit& each : dosed.edits()) {
      out.append(each);
    }
  }
  return out;
}

}  // namespace v0
}  // namespace steer
