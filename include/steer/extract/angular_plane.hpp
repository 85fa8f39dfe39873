// steer/extract/angular_plane.hpp: the plane in which a concept turns, from its directions at all layers.
#pragma once

#include "steer/core/linkage.hpp"
#include "steer/vector/plane.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

/// One plane for all layers: its first vector is the layers' direction that agrees best with all the others, its second
/// the first principal component of the unit directions about their mean, made orthogonal to the first.
///
/// The second vector has no sign of its own; it points to the side of the last layer's direction.
///
/// @throws as `check` of a steering vector; numeric_error for fewer than 3 layers, or directions that lie in no plane
/// @cost   O(L² d)
/// @source Vu et al. 2025, arXiv:2510.26243 (Angular Steering); deviation: the sign is determined
STEER_API plane angular_plane(const steering_vector& candidates);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/angular_plane.ipp"
#endif
