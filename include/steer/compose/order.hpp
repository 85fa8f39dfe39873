// steer/compose/order.hpp: warnings where the order of a recipe's edits matters.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "steer/compose/overlap.hpp"
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

namespace detail {

/// The first layer at which an edit moves what the gate of another reads, if there is one.
inline std::optional<int> layer_of_moved_gate(const edit& gated, const edit& other, double noticed) {
  std::optional<int> first;
  for (const condition& c : gated.gate.conditions) {
    if (!may_meet(reach_of(gated, c), reach_of(other))) {
      continue;
    }
    const std::set<int> shared = *in_both(layers_of(gated, c), layers_of(other));
    for (const int layer : shared) {
      if ((!first || layer < *first) && gate_moved(gated, c, other, layer) > noticed) {
        first = layer;
      }
    }
  }
  return first;
}

}  // namespace detail

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
inline std::vector<order_warning> order_warnings(const recipe& edits) {
  constexpr double noticed = 1e-6;  // directions are floats
  std::vector<order_warning> out;
  const std::vector<edit>& all = edits.edits();
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = i + 1; j < all.size(); ++j) {
      order_warning found{i, j};
      if (detail::may_meet(detail::reach_of(all[i]), detail::reach_of(all[j]))) {
        const auto shared = detail::in_both(detail::layers_of(all[i]), detail::layers_of(all[j]));
        for (const int layer : shared.value_or(std::set<int>{0})) {  // two that act everywhere do the same at every layer
          if (const double difference = detail::try_orders(all[i], all[j], layer); difference > found.difference) {
            found.layer = layer;
            found.difference = difference;
          }
        }
      }
      const std::string pair =
          detail::text({"edits ", i, " (", to_string(all[i]), ") and ", j, " (", to_string(all[j]), ")"});
      if (found.difference > noticed) {
        const bool both_scale = std::holds_alternative<scale_edit>(all[i].operation) &&
                                std::holds_alternative<scale_edit>(all[j].operation);
        found.text = detail::text({pair, " do not commute: at layer ", found.layer,
                                   ", which of them comes first changes a row by up to ", found.difference,
                                   " of its norm", both_scale ? "; recipe::set ablates directions jointly" : ""});
        out.push_back(std::move(found));
        continue;
      }
      for (const auto& [gated, other] : {std::pair{i, j}, std::pair{j, i}}) {
        if (const auto layer = detail::layer_of_moved_gate(all[gated], all[other], noticed)) {
          found.layer = *layer;
          found.difference = 0.0;
          found.text = detail::text({pair, " may not commute: at layer ", *layer, ", edit ", other,
                                     " moves what the gate of edit ", gated, " reads"});
          out.push_back(std::move(found));
          break;
        }
      }
    }
  }
  return out;
}

}  // namespace v0
}  // namespace steer
