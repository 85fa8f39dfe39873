// steer/recipe/recipe.hpp: an ordered list of edits.
#pragma once

#include <utility>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/recipe/edit.hpp"
#include "steer/recipe/options.hpp"
#include "steer/recipe/placement.hpp"
#include "steer/vector/affine_map.hpp"

namespace steer {
inline namespace v0 {

/// An ordered list of edits: plain data, bound to no model. At one site they act in the order in which they were added.
///
///     steer::recipe recipe;
///     recipe.add(happy, {.strength = 0.2F}, {.layers = {3, 4}}).ablate(gender);
///
/// A call takes what to do, then how, then where (`placement`); what has a default can be left out. Every call copies what it is
/// given and throws numeric_error, shape_error or argument_error for options or numbers without meaning, leaving the recipe as it
/// was.
class recipe {
 public:
  /// h' = h + dose * u, see `add_edit` and `strength_unit`.
  STEER_API recipe& add(steering_vector vector, add_options how = {}, placement where = {});
  STEER_API recipe& add(steering_vector vector, placement where);

  /// h' = h - share * u (u . h): the component along the direction is removed, or a share of it.
  /// @source Arditi et al. 2024, arXiv:2406.11717; antirez/ds4 `dir-steering`, whose scale is the share
  STEER_API recipe& ablate(steering_vector vector, ablate_options how = {}, placement where = {});
  STEER_API recipe& ablate(steering_vector vector, placement where);

  /// h' = h - 2 u (u . h): the component along the direction changes its sign.
  STEER_API recipe& reflect(steering_vector vector, placement where = {});

  /// h' = h + (factor - 1) u (u . h): the component along the direction is multiplied.
  STEER_API recipe& scale(steering_vector vector, scale_options how, placement where = {});

  /// The coordinates along all vectors become the targets at once, see `bound_edit`. All targets 0: joint ablation.
  STEER_API recipe& set(std::vector<steering_vector> vectors, std::vector<float> targets, bound_options how = {},
                        placement where = {});
  STEER_API recipe& set(std::vector<steering_vector> vectors, std::vector<float> targets, placement where);
  STEER_API recipe& set(steering_vector vector, float target, bound_options how = {}, placement where = {});
  STEER_API recipe& set(steering_vector vector, float target, placement where);

  /// The coordinate along a vector is at most so much. At 0: ablation of one side.
  STEER_API recipe& cap(steering_vector vector, float most, bound_options how = {}, placement where = {});
  STEER_API recipe& cap(steering_vector vector, float most, placement where);

  /// The coordinate along a vector is at least so much.
  STEER_API recipe& floor(steering_vector vector, float least, bound_options how = {}, placement where = {});
  STEER_API recipe& floor(steering_vector vector, float least, placement where);

  /// The coordinates along all vectors stay within [low, high], each its own; infinities are no bounds.
  STEER_API recipe& keep_within(std::vector<steering_vector> vectors, std::vector<float> low, std::vector<float> high,
                                bound_options how = {}, placement where = {});
  STEER_API recipe& keep_within(std::vector<steering_vector> vectors, std::vector<float> low, std::vector<float> high,
                                placement where);

  /// What `read` reads is erased by moving along `write`, see `erase_edit`.
  STEER_API recipe& erase(steering_vector read, steering_vector write, erase_options how = {}, placement where = {});
  STEER_API recipe& erase(steering_vector read, steering_vector write, placement where);

  /// Rows are turned within the plane to an angle, see `angle_edit`.
  STEER_API recipe& set_angle(plane in, turn_options how, placement where = {});

  /// Rows are turned within the plane by an angle, see `rotate_edit`.
  STEER_API recipe& rotate(plane in, turn_options how, placement where = {});

  /// Rows are turned on their sphere towards a direction, see `towards_edit`.
  STEER_API recipe& turn_towards(steering_vector vector, towards_options how, placement where = {});

  /// h' = (1 - share) h + share T(h), see `transform_edit`.
  STEER_API recipe& transform(affine_map map, transform_options how = {}, placement where = {});
  STEER_API recipe& transform(affine_map map, placement where);

  /// To each layer its own map, in an edit of its own: what `find_maps` found. All of them are added or none.
  /// @throws also argument_error if there is no map at all or none for a layer of the placement, if that names a layer twice, or if
  ///         the points differ
  STEER_API recipe& transform(const affine_maps& maps, transform_options how = {}, placement where = {});
  STEER_API recipe& transform(const affine_maps& maps, placement where);

  /// Reads coordinates at this point of the order, and the norm if asked for, for a session's telemetry; writes nothing.
  STEER_API recipe& watch(std::vector<steering_vector> vectors, watched_norm norm, placement where = {});
  STEER_API recipe& watch(std::vector<steering_vector> vectors, placement where = {});

  /// Adds an edit that was made elsewhere.
  STEER_API recipe& append(edit next);

  [[nodiscard]] const std::vector<edit>& edits() const noexcept { return edits_; }
  [[nodiscard]] bool empty() const noexcept { return edits_.empty(); }

  bool operator==(const recipe&) const = default;

 private:
  std::vector<edit> edits_;
};

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/recipe/recipe.ipp"
#endif
