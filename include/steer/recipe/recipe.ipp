// steer/recipe/recipe.ipp: the bodies of recipe.hpp.
#pragma once

#include <utility>
#include <vector>

#include "steer/core/real.hpp"
#include "steer/recipe/edit.hpp"
#include "steer/recipe/options.hpp"
#include "steer/recipe/recipe.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY recipe& recipe::add(steering_vector vector, add_options options) {
  add_edit made{std::move(vector), options.strength, options.unit, options.cap};
  return append(detail::place(std::move(made), std::move(options)));
}

STEER_BODY recipe& recipe::erase(steering_vector read, steering_vector write, erase_options options) {
  erase_edit made{{std::move(read)}, {std::move(write)}, options.origin};
  return append(detail::place(std::move(made), std::move(options)));
}

STEER_BODY recipe& recipe::append(edit next) {
  check(next);
  edits_.push_back(std::move(next));
  return *this;
}

STEER_BODY recipe& recipe::bound(std::vector<steering_vector> vectors, std::vector<float> low, std::vector<float> high,
              bound_options options) {
  bound_edit made{std::move(vectors), std::move(low), std::move(high), options.unit, options.origin, options.ridge};
  return append(detail::place(std::move(made), std::move(options)));
}

}  // namespace v0
}  // namespace steer
