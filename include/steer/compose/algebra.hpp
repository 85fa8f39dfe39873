// steer/compose/algebra.hpp: sums and multiples of steering vectors.
//
// Only steering vectors have them. A plane, a subspace, a conceptor and an affine map are no elements of a vector
// space, and their sums and multiples do not compile.
#pragma once

#include <string>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

namespace detail {

/// @throws argument_error if the vectors belong to different points or models, shape_error if to different layers or
///         widths
STEER_API void require_together(const steering_vector& a, const steering_vector& b, const std::string& who);

/// As `require_together` for all of them, at least one.
/// @return the first whose model is known, or else the first: what a vector made of all has to say of its model
STEER_API const steering_vector& require_all_together(const std::vector<steering_vector>& vectors, const std::string& who);

}  // namespace detail

/// a + b, layer by layer in the units of the activations, as extracted.
///
/// The sum is a vector of its own: its mean row norm is the mean of both, and what was measured along a or b (spread,
/// origin, evidence) does not belong to it.
///
/// @throws argument_error for different points or models; shape_error for different layers or widths; numeric_error if
///         the sum is zero at a layer
STEER_API steering_vector operator+(const steering_vector& a, const steering_vector& b);

/// factor · v. A negative factor exchanges the sides, in the evidence too.
///
/// Lengths matter in sums, and where a strength is `raw`. An edit in any other unit sees the direction only: its
/// strength is the place for a factor there.
/// @throws numeric_error if the factor is 0 or not finite
STEER_API steering_vector operator*(double factor, const steering_vector& v);
STEER_API steering_vector operator*(const steering_vector& v, double factor);
STEER_API steering_vector operator/(const steering_vector& v, double divisor);
STEER_API steering_vector operator-(const steering_vector& v);

/// a - b
/// @throws as `+`
STEER_API steering_vector operator-(const steering_vector& a, const steering_vector& b);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/compose/algebra.ipp"
#endif
