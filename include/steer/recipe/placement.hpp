// steer/recipe/placement.hpp: where an edit acts, on which rows, and how much of it they receive.
#pragma once

#include <optional>
#include <vector>

#include "steer/recipe/gate.hpp"
#include "steer/recipe/norm_mode.hpp"
#include "steer/recipe/schedule.hpp"

namespace steer {
inline namespace v0 {

/// Where and when an edit acts. Every call of a recipe takes one after its own options; the default is everywhere, always.
struct placement {
  /// Empty: every layer for which all vectors of the edit have a direction (its gate's do not count); every layer of the model
  /// if it has no vectors.
  std::vector<int> layers = {};
  schedule rows = {};
  steer::gate gate = {};
  norm_mode norm = {};
  /// At `attention_heads`: only the columns of this head. Vectors are as wide as a head then, and every norm is that of the
  /// slice.
  std::optional<int> head = std::nullopt;

  bool operator==(const placement&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("layers", self.layers);
    visit("rows", self.rows);
    visit("gate", self.gate);
    visit("norm", self.norm);
    visit("head", self.head);
  }
};

}  // namespace v0
}  // namespace steer
