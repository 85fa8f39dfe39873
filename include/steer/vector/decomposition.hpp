// steer/vector/decomposition.hpp: what an eigendecomposition or a factorisation says of itself is heard.
#pragma once

#include <string>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// @throws numeric_error if the numbers that a decomposition leaves have no meaning; `who` names the method
STEER_API void require_solved(Eigen::ComputationInfo info, const std::string& who);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/vector/decomposition.ipp"
#endif
