// steer/compose/interference.hpp: what steering vectors do to each other, before anything is generated.
#pragma once

#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/vector/interference_report.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

/// Measures how steering vectors overlap, and how long their sum is at the given doses.
///
/// @param doses  multiples of each vector as extracted; empty: 1 each
/// @throws argument_error if there are no vectors or not as many doses; numeric_error for a dose that is not finite; as
///         `+` if the vectors do not belong together
/// @cost   O(L k³ d)
STEER_API interference_report measure_interference(const std::vector<steering_vector>& vectors,
                                                std::vector<double> doses = {});

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/compose/interference.ipp"
#endif
