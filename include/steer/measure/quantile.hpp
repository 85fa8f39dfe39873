// steer/measure/quantile.hpp: what a share of numbers does not exceed.
#pragma once

#include <string>
#include <vector>

#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {

/// The number at rank round(share (n - 1)) of n, counted from 0: .5 is the median of an odd count.
/// @throws argument_error if there are no numbers, or the share is not within 0 to 1; `who` names them
/// @cost   O(n)
STEER_API double quantile(std::vector<double> of, double share, const std::string& who);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/measure/quantile.ipp"
#endif
