// steer/compose/order.ipp: the bodies of order.hpp.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "steer/compose/order.hpp"
#include "steer/compose/overlap.hpp"
#include "steer/compose/try_orders.hpp"
#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/recipe/recipe.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// The first layer at which an edit moves what the gate of another reads, if there is one.
template <class Scalar>
std::optional<int> layer_of_moved_gate(const edit& gated, const edit& other, double noticed) {
  std::optional<int> first;
  for (const condition& c : gated.where.gate.conditions) {
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

STEER_BODY std::vector<order_warning> order_warnings(const recipe& edits) {
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
      const std::string pair = text({"edits ", i, " (", to_string(all[i]), ") and ", j, " (", to_string(all[j]), ")"});
      if (found.difference > noticed) {
        const bool both_ablate = std::holds_alternative<ablate_edit>(all[i].operation) &&
                                 std::holds_alternative<ablate_edit>(all[j].operation);
        found.text = text({pair, " do not commute: at layer ", found.layer,
                           ", which of them comes first changes a row by up to ", found.difference, " of its norm",
                           both_ablate ? "; recipe::set ablates directions jointly" : ""});
        out.push_back(std::move(found));
        continue;
      }
      for (const auto& [gated, other] : {std::pair{i, j}, std::pair{j, i}}) {
        if (const auto layer = detail::layer_of_moved_gate<Real>(all[gated], all[other], noticed)) {
          found.layer = *layer;
          found.difference = 0.0;
          found.text = text({pair, " may not commute: at layer ", *layer, ", edit ", other,
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
