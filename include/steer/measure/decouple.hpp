// steer/measure/decouple.hpp: vectors of which each moves its own readout and no other.
#pragma once

#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/measure/dose.hpp"
#include "steer/vector/response.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

/// Mixes the vectors so that a unit dose of each moves its own readout as far as before and the others not at all, as far as
/// the response is linear.
///
///     d_i = Σ_j v_j (B⁻¹ diag B)_ji        v_j in units of dose, at every layer of the response
///
/// Their lengths carry meaning, so their unit is raw: `recipe.add(decoupled[i], {.strength = dose})` gives a dose in the units
/// of the response. They have no norms, evidence or origin: nothing was measured along them.
///
/// @param vectors  those that the response was measured with, in the same order
/// @throws shape_error if the vectors' layers or widths differ; argument_error if the vectors do not fit the response, or it was
///         measured in `of_row_norm`: such doses have no length of their own (use `dose`, or measure in `of_norm`);
///         numeric_error as `dose`
/// @cost   O(L k² d + k³)
STEER_API std::vector<steering_vector> decouple(const std::vector<steering_vector>& vectors, const response& measured,
                                             const invertible& limits = {});

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/measure/decouple.ipp"
#endif
