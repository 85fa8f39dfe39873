// steer/recipe/recipe_of.ipp: the bodies of recipe_of.hpp.
#pragma once

#include <cstddef>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/recipe/recipe.hpp"
#include "steer/recipe/recipe_of.hpp"
#include "steer/vector/response.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY recipe recipe_of(const std::vector<steering_vector>& vectors, const std::vector<double>& doses, const dose_unit& how) {
  if (doses.size() != vectors.size()) {
    throw argument_error(text({"recipe_of: has ", actual(doses.size()), " doses for ", expected(vectors.size()),
                               " vectors; expected as many"}));
  }
  recipe out;
  for (std::size_t j = 0; j < vectors.size(); ++j) {
    if (doses[j] != 0.0) {
      out.add(vectors[j], {.strength = static_cast<float>(doses[j]), .unit = how.unit, .cap = how.cap}, {.layers = how.layers});
    }
  }
  return out;
}

}  // namespace v0
}  // namespace steer
