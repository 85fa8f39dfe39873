// steer/vector/decomposition.ipp: the bodies of decomposition.hpp.
#pragma once

#include <string>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/vector/decomposition.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY void require_solved(Eigen::ComputationInfo info, const std::string& who) {
  if (info != Eigen::Success) {
    throw numeric_error(text({thing(who), ": a decomposition ",
                              actual(info == Eigen::NoConvergence ? "does not converge" : "breaks down"), "; expected ",
                              expected("numbers whose squares do not overflow, and a matrix that is not singular")}));
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
