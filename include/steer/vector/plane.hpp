// steer/vector/plane.hpp: two orthonormal directions, to turn in.
#pragma once

#include <string>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/vector/direction.hpp"

namespace steer {
inline namespace v0 {

/// An oriented plane through zero: angle 0 is `first`, a quarter turn is `second`.
///
/// Planes do not form a vector space, so there is no sum and no multiple of one.
/// @shape first, second [d]
struct plane {
  Eigen::VectorXd first = {};
  Eigen::VectorXd second = {};

  STEER_API bool operator==(const plane& other) const;
};

/// @throws shape_error if a vector is empty or the widths differ; numeric_error if they are not orthonormal; `who` names
///         the plane
STEER_API void check(const plane& p, const std::string& who);

/// The plane that two directions span: angle 0 along `axis`, `towards` at an angle between 0 and a half turn.
///
/// @throws as `check` of a direction; shape_error if the widths differ; numeric_error if the directions are parallel
/// @source Vu et al. 2025, arXiv:2510.26243 (Angular Steering) takes the second from a principal component
STEER_API plane plane_through(const direction& axis, const direction& towards, const std::string& who = "plane");

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/vector/plane.ipp"
#endif
