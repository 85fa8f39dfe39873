// steer/guard/expected_shifts.hpp: what a dosed recipe is expected to do to the output, by its own measured response.
#pragma once

#include <map>
#include <string>

#include "steer/core/linkage.hpp"
#include "steer/guard/dosed_recipe.hpp"
#include "steer/vector/response.hpp"

namespace steer {
inline namespace v0 {

/// By readout, in nats. A response speaks for a recipe that it was measured of as a whole, one of its vectors having the recipe's name or
/// that of the behaviour it was fitted to; or for one that consists of additions of its vectors, in its unit and at its layers.
/// @return nothing if the recipe has no response, or that of something else
/// @throws as `check` of the response
STEER_API std::map<std::string, estimate> expected_shifts(const dosed_recipe& part);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/guard/expected_shifts.ipp"
#endif
