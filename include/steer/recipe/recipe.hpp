// steer/recipe/recipe.hpp: an ordered list of edits.
#pragma once

#include <limits>
#include <utility>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/recipe/edit.hpp"
#include "steer/recipe/options.hpp"

namespace steer {
inline namespace v0 {

/// An ordered list of edits: plain data, bound to no model. At one site they act in the order in which they were added.
///
///     steer::recipe recipe;
///     recipe.add(happy, {.strength = 0.2F, .layers = {3, 4}}).ablate(gender);
///
/// Every call copies what it is given and throws numeric_error, shape_error or argument_error for options or numbers
/// without meaning, leaving the recipe as it was.
class recipe {
 public:
  /// h' = h + dose * u, see `add_edit` and `strength_unit`.
  STEER_API recipe& add(steering_vector vector, add_options options = {});

  /// h' = h - amount * u (u . h), see `scale_edit`.
  /// @source antirez/ds4 `dir-steering`: amount is its scale
  recipe& scale(steering_vector vector, scale_options options) {
    return append(detail::place(scale_edit{std::move(vector), options.amount}, std::move(options)));
  }

  /// h' = h - u (u . h): the component along the direction is removed.
  /// @source Arditi et al. 2024, arXiv:2406.11717
  recipe& ablate(steering_vector vector, ablate_options options = {}) {
    return append(detail::place(scale_edit{std::move(vector), 1.0F}, std::move(options)));
  }

  /// The coordinates along all vectors become the targets at once, see `bound_edit`. All targets 0: joint ablation.
  recipe& set(std::vector<steering_vector> vectors, std::vector<float> targets, bound_options options = {}) {
    return bound(std::move(vectors), targets, targets, std::move(options));
  }
  recipe& set(steering_vector vector, float target, bound_options options = {}) {
    return bound({std::move(vector)}, {target}, {target}, std::move(options));
  }

  /// The coordinate along a vector is at most so much. At 0: ablation of one side.
  recipe& cap(steering_vector vector, float most, bound_options options = {}) {
    return bound({std::move(vector)}, {-std::numeric_limits<float>::infinity()}, {most}, std::move(options));
  }

  /// The coordinate along a vector is at least so much.
  recipe& floor(steering_vector vector, float least, bound_options options = {}) {
    return bound({std::move(vector)}, {least}, {std::numeric_limits<float>::infinity()}, std::move(options));
  }

  /// The coordinates along all vectors stay within [low, high], each its own; infinities are no bounds.
  recipe& keep_within(std::vector<steering_vector> vectors, std::vector<float> low, std::vector<float> high,
                      bound_options options = {}) {
    return bound(std::move(vectors), std::move(low), std::move(high), std::move(options));
  }

  /// What `read` reads is erased by moving along `write`, see `erase_edit`.
  STEER_API recipe& erase(steering_vector read, steering_vector write, erase_options options = {});

  /// Rows are turned within the plane to an angle, see `angle_edit`.
  recipe& set_angle(plane where, turn_options options) {
    return append(detail::place(angle_edit{std::move(where), options.angle}, std::move(options)));
  }

  /// Rows are turned within the plane by an angle, see `rotate_edit`.
  recipe& rotate(plane where, turn_options options) {
    return append(detail::place(rotate_edit{std::move(where), options.angle}, std::move(options)));
  }

  /// Rows are turned on their sphere towards a direction, see `towards_edit`.
  recipe& turn_towards(steering_vector vector, towards_options options) {
    return append(detail::place(towards_edit{std::move(vector), options.share}, std::move(options)));
  }

  /// h' = (1 - blend) h + blend T(h), see `transform_edit`.
  recipe& transform(affine_map map, transform_options options = {}) {
    return append(detail::place(transform_edit{std::move(map), options.blend}, std::move(options)));
  }

  /// Reads coordinates at this point of the order for a session's telemetry, and writes nothing.
  recipe& watch(std::vector<steering_vector> vectors, watch_options options = {}) {
    return append(detail::place(watch_edit{std::move(vectors), options.norm}, std::move(options)));
  }

  /// Adds an edit that was made elsewhere.
  STEER_API recipe& append(edit next);

  [[nodiscard]] const std::vector<edit>& edits() const noexcept { return edits_; }
  [[nodiscard]] bool empty() const noexcept { return edits_.empty(); }

  bool operator==(const recipe&) const = default;

 private:
  STEER_API recipe& bound(std::vector<steering_vector> vectors, std::vector<float> low, std::vector<float> high,
                bound_options options);

  std::vector<edit> edits_;
};

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/recipe/recipe.ipp"
#endif
