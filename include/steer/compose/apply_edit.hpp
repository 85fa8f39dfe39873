// steer/compose/apply_edit.hpp: what an operation makes of a row, by its formula.
#pragma once

#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Each edit as it is defined, one row at a time: to compare orders with, and to test plans against, which compute in k
/// dimensions instead.
///
/// @param entry_norm  |h| on entry to the plan, for doses of it
/// @throws as a plan of the edit
/// @shape  h [d]
STEER_API void apply_edit(const operation& what, int layer, double entry_norm, Eigen::VectorXd& h);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/compose/apply_edit.ipp"
#endif
