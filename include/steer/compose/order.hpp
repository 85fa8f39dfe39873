// steer/compose/order.hpp: warnings where the order of a recipe's edits matters.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/recipe/recipe.hpp"

namespace steer {
inline namespace v0 {

/// Two edits of a recipe that do not commute, or may not.
struct order_warning {
  std::size_t first = 0;  ///< places in the recipe
  std::size_t second = 0;
  int layer = 0;            ///< where the order matters most
  /// Of what both orders make of a row, as a share of its norm; the largest found. 0 where only a gate may make one.
  double difference = 0.0;
  std::string text = {};
};

/// The pairs of edits whose order matters, the first layer at which it matters most, and by how much.
///
/// Both orders are tried on rows along every direction that the two edits name, at the mean row norm (or 1 where it is
/// unknown), with their norm modes, gates open and schedules full. For edits that are affine, of low rank and without a
/// norm mode this finds every pair; a pair of other edits may be missed where it commutes on those rows. An edit of one
/// head and one of the whole row meet in that head's columns; edits of different heads do not meet, nor do edits in
/// different phases. A pair that commutes with open gates is still named, as one that *may* not, if one edit moves what
/// the other's gate reads; a gate that latches on the prompt reads there, perhaps at a site where its edit does not act.
///
/// @throws shape_error if a vector has no direction at a layer where its edit acts, or edits that meet have widths that fit
///         in no row; argument_error if an addition's unit needs what its vector lacks
/// @cost   O(m² L k² d) for m edits
STEER_API std::vector<order_warning> order_warnings(const recipe& edits);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/compose/order.ipp"
#endif
