// steer/vector/subspace.hpp: a few dimensions of one site.
#pragma once

#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/vector/affine_map.hpp"
#include "steer/vector/direction.hpp"

namespace steer {
inline namespace v0 {

/// An orthonormal basis, the strongest direction first.
///
/// A subspace is no vector: it is removed, read or protected, not scaled or added.
/// @shape basis [k, d]; explained [k]
struct subspace {
  matrix<double> basis = {};
  Eigen::VectorXd explained = {};  ///< share of the samples' squares along each

  /// One direction of norm 1 each, for edits that act on several jointly.
  STEER_API [[nodiscard]] std::vector<direction> directions() const;

  /// h' = h - Vᵀ V h: what lies in the subspace is removed.
  STEER_API [[nodiscard]] low_rank_map removal() const;
};

/// @throws shape_error if the basis is empty; numeric_error if it is not finite or not orthonormal; `who` names it
STEER_API void check(const subspace& s, const std::string& who);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/vector/subspace.ipp"
#endif
