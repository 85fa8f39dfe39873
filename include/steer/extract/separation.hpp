// steer/extract/separation.hpp: how well numbers tell two sides apart.
#pragma once

#include <span>

#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {

namespace detail {

STEER_API void require_finite(std::span<const double> positive, std::span<const double> negative, const char* who);

}  // namespace detail

/// Area under the receiver operating characteristic: the probability that a positive score exceeds a negative one, ties
/// counted half.
///
/// @return 0 to 1; .5 says nothing
/// @throws numeric_error if a side is empty or a score is not finite
/// @cost   O(n log n)
/// @source Mann & Whitney 1947: AUROC = U / (n m)
STEER_API double auroc(std::span<const double> positive, std::span<const double> negative);

/// (mean+ - mean-) / sqrt((var+ + var-) / 2), with unbiased variances.
///
/// @throws numeric_error if a side has fewer than two scores, a score is not finite, or both sides are constant
/// @source the sensitivity index of signal detection, with the mean of two unequal variances
STEER_API double d_prime(std::span<const double> positive, std::span<const double> negative);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/separation.ipp"
#endif
