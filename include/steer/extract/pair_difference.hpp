// steer/extract/pair_difference.hpp: one pair of prompts, position by position.
#pragma once

#include <cstdint>
#include <map>

#include "steer/core/linkage.hpp"
#include "steer/extract/sample_rows.hpp"
#include "steer/vector/direction.hpp"

namespace steer {
inline namespace v0 {

/// h(positive)[t] - h(negative)[t] for each position t of two prompts with as many tokens. Positions at which both are
/// the same, such as a common beginning, have no direction and are left out.
///
///     for (const auto& [t, v] : steer::pair_difference(loving, hating)) {
///       recipe.add({.directions = {{6, v}}}, {.strength = 5, .unit = raw}, {.rows = {.positions = {t}}});
///     }
///
/// @param positive, negative  the activations of all tokens of one prompt each, at one site
/// @shape  positive, negative [T, d]
/// @throws shape_error if the widths or the numbers of tokens differ; numeric_error for NaN, no token, or prompts that
///         are the same at all positions
/// @cost   O(T d)
/// @source Turner et al. 2023, arXiv:2308.10248 (ActAdd); deviation: prompts are not padded here
STEER_API std::map<std::int32_t, direction> pair_difference(const sample_rows& positive, const sample_rows& negative);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/pair_difference.ipp"
#endif
