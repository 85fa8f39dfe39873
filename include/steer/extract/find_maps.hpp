// steer/extract/find_maps.hpp: a map or an eraser at every layer of a recorder, by any method.
#pragma once

#include <concepts>
#include <span>
#include <string>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/find_conceptor.hpp"
#include "steer/extract/gaussian_transport.hpp"
#include "steer/extract/method_ref.hpp"
#include "steer/extract/recorder.hpp"
#include "steer/extract/sample_rows.hpp"
#include "steer/extract/whitened_difference.hpp"
#include "steer/vector/affine_map.hpp"

namespace steer {
inline namespace v0 {

/// Turns two sides into a map, and says its name. One whose `needs_pairs()` is true is refused where rows are no pairs.
template <class Method>
concept map_method = requires(const Method& method, const matrix<float>& side) {
  { method.name() } -> std::convertible_to<std::string>;
  { method(side, side) } -> std::convertible_to<affine_map>;
};

/// `binary_leace`: what tells the sides apart is erased. Shrinkage erases as completely, also from fewer texts than
/// dimensions.
struct by_leace {
  whitened_options options = {};

  STEER_API [[nodiscard]] std::string name() const;
  STEER_API [[nodiscard]] affine_map operator()(const sample_rows& positive, const sample_rows& negative) const;
};

/// The sides' first `dimensions` principal directions, about zero, of the pairs' differences are removed.
/// @source Zou et al. 2023, arXiv:2310.01405, for the directions
struct by_subspace_removal {
  Eigen::Index dimensions = 1;

  STEER_API [[nodiscard]] std::string name() const;
  [[nodiscard]] bool needs_pairs() const { return true; }
  STEER_API [[nodiscard]] affine_map operator()(const sample_rows& positive, const sample_rows& negative) const;
};

/// `linear_transport` of the negative side onto the positive one
struct by_linear_transport {
  STEER_API [[nodiscard]] std::string name() const;
  STEER_API [[nodiscard]] affine_map operator()(const sample_rows& positive, const sample_rows& negative) const;
};

/// `gaussian_transport` of the negative side onto the positive one
struct by_gaussian_transport {
  gaussian_transport_options options = {};

  STEER_API [[nodiscard]] std::string name() const;
  STEER_API [[nodiscard]] affine_map operator()(const sample_rows& positive, const sample_rows& negative) const;
};

/// The map of `find_conceptor` of the positive side; the negative one is not looked at
struct by_conceptor {
  conceptor_options options = {};

  STEER_API [[nodiscard]] std::string name() const;
  STEER_API [[nodiscard]] affine_map operator()(const sample_rows& positive, const sample_rows& negative) const;
};

static_assert(map_method<by_leace> && map_method<by_subspace_removal> && map_method<by_linear_transport> &&
              map_method<by_gaussian_transport> && map_method<by_conceptor>);

namespace detail {

/// `find_maps` by a method without its type.
STEER_API affine_maps found_maps(const recorder& recorded, const any_method_ref<affine_map>& method);

}  // namespace detail

/// What a method makes of the texts of every layer that a recorder has recorded.
///
///     recipe.transform(steer::find_maps(recorder, steer::by_leace{}));
///
/// @throws numeric_error if a side has no text; argument_error if the method needs pairs and there are none; what the method
///         throws, naming the layer
/// @cost   one call of `method` a layer
template <map_method Method>
affine_maps find_maps(const recorder& recorded, const Method& method) {
  return detail::found_maps(recorded, detail::any_method_ref<affine_map>(method));
}

/// `leace` at every layer for k classes, each the texts of one recorder, whichever their side: afterwards no linear
/// classifier finds to which of them a text belongs. Of rank k - 1 at most, where `by_leace` is of rank 1.
///
///     const steer::affine_maps neutral = steer::find_class_erasers(std::vector{spanish, french, german});
///
/// @throws argument_error for fewer than 2 classes, or if their recorders differ in points or layers; shape_error for another
///         model; numeric_error if a recorder has no text, or as `leace`, naming the layer
/// @cost   `leace` a layer
STEER_API affine_maps find_class_erasers(std::span<const recorder> classes);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/find_maps.ipp"
#endif
