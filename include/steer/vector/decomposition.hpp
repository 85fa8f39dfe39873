// steer/vector/decomposition.hpp: what an eigendecomposition or a factorisation says of itself is heard.
#pragma once

#include <Eigen/Core>
#include <string>

#include "steer/core/error.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// @throws numeric_error if the numbers that a decomposition leaves have no meaning; `who` names the method
inline void require_solved(Eigen::ComputationInfo info, const std::string& who) {
  if (info != Eigen::Success) {
    throw numeric_error(text({thing(who), ": a decomposition ",
                              actual(info == Eigen::NoConvergence ? "does not converge" : "breaks down"), "; expected ",
                              expected("numbers whose squares do not overflow, and a matrix that is not singular")}));
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
