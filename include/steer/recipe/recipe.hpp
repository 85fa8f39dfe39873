// steer/recipe/recipe.hpp: an ordered list of edits.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {

/// Options of `recipe::add`.
struct add_options {
  float strength = 1.0F;
  std::optional<strength_unit> unit = std::nullopt;
  float cap = add_edit{}.cap;
  std::vector<int> layers = {};
  row_selection rows = {};
};

/// Options of `recipe::scale`.
struct scale_options {
  float amount = 1.0F;
  std::vector<int> layers = {};
  row_selection rows = {};
};

/// Options of `recipe::ablate`.
struct ablate_options {
  std::vector<int> layers = {};
  row_selection rows = {};
};

/// An ordered list of edits: plain data, bound to no model. At one site they act in the order in which they were added.
///
///     steer::recipe recipe;
///     recipe.add(happy, {.strength = 0.2F, .layers = {3, 4}}).ablate(gender);
///
/// Every call copies the steering vector and throws numeric_error, shape_error or argument_error for options or numbers
/// without meaning, leaving the recipe as it was.
class recipe {
 public:
  /// h' = h + dose * u, see `add_edit` and `strength_unit`.
  recipe& add(steering_vector vector, add_options options = {}) {
    return append({add_edit{options.strength, options.unit, options.cap}, std::move(vector), std::move(options.layers),
                   options.rows});
  }

  /// h' = h - amount * u (u . h), see `scale_edit`.
  /// @source antirez/ds4 `dir-steering`: amount is its scale
  recipe& scale(steering_vector vector, scale_options options) {
    return append({scale_edit{options.amount}, std::move(vector), std::move(options.layers), options.rows});
  }

  /// h' = h - u (u . h): the component along the direction is removed.
  /// @source Arditi et al. 2024, arXiv:2406.11717
  recipe& ablate(steering_vector vector, ablate_options options = {}) {
    return append({scale_edit{1.0F}, std::move(vector), std::move(options.layers), options.rows});
  }

  /// Adds an edit that was made elsewhere.
  recipe& append(edit next) {
    check(next);
    edits_.push_back(std::move(next));
    return *this;
  }

  [[nodiscard]] const std::vector<edit>& edits() const noexcept { return edits_; }
  [[nodiscard]] bool empty() const noexcept { return edits_.empty(); }

  bool operator==(const recipe&) const = default;

 private:
  std::vector<edit> edits_;
};

}  // namespace v0
}  // namespace steer
