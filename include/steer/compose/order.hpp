// steer/compose/order.hpp: warnings where the order of a recipe's edits matters.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "steer/compose/try_orders.hpp"
#include "steer/core/error.hpp"
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
/// norm mode this finds every pair; a pair of other edits may be missed where it commutes on those rows. A pair that
/// commutes with open gates is still named, as one that *may* not, if one edit moves what the other's gate reads. Edits
/// in different phases do not meet.
///
/// @throws shape_error if a vector has no direction at a layer where its edit acts, or edits that meet have different
///         widths; argument_error if an addition's unit needs what its vector lacks
/// @cost   O(m² L k² d) for m edits
inline std::vector<order_warning> order_warnings(const recipe& edits) {
  std::vector<order_warning> out;
  const std::vector<edit>& all = edits.edits();
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = i + 1; j < all.size(); ++j) {
      if (!detail::may_meet(all[i], all[j])) {
        continue;
      }
      constexpr double noticed = 1e-6;  // directions are floats
      order_warning found{i, j};
      std::optional<int> gate_layer;  // the first at which a gate reads what the other edit moves
      bool first_is_gated = false;
      for (const int layer : detail::shared_layers(all[i], all[j])) {
        const detail::order_effect effect = detail::try_orders(all[i], all[j], layer);
        if (effect.difference > found.difference) {
          found.layer = layer;
          found.difference = effect.difference;
        }
        if (!gate_layer && std::max(effect.first_gate, effect.second_gate) > noticed) {
          gate_layer = layer;
          first_is_gated = effect.first_gate > noticed;
        }
      }
      const std::string pair =
          detail::text("edits ", i, " (", to_string(all[i]), ") and ", j, " (", to_string(all[j]), ")");
      if (found.difference > noticed) {
        const bool both_scale = std::holds_alternative<scale_edit>(all[i].operation) &&
                                std::holds_alternative<scale_edit>(all[j].operation);
        found.text = detail::text(pair, " do not commute: at layer ", found.layer,
                                  ", which of them comes first changes a row by up to ", found.difference,
                                  " of its norm", both_scale ? "; recipe::set ablates directions jointly" : "");
        out.push_back(std::move(found));
      } else if (gate_layer) {
        found.layer = *gate_layer;
        found.difference = 0.0;
        found.text = detail::text(pair, " may not commute: at layer ", found.layer, ", edit ", first_is_gated ? j : i,
                                  " moves what the gate of edit ", first_is_gated ? i : j, " reads");
        out.push_back(std::move(found));
      }
    }
  }
  return out;
}

}  // namespace v0
}  // namespace steer
