// steer/compose/boolean.hpp: NOT, AND, OR and aperture of conceptors.
#pragma once

#include "steer/core/linkage.hpp"
#include "steer/vector/conceptor.hpp"

namespace steer {
inline namespace v0 {

/// I - C: what the samples leave free.
/// @throws as `check`
/// @source Jaeger 2014, arXiv:1403.3369, for this and the following
/// @cost   O(d³), as `check`
STEER_API conceptor negation(const conceptor& c);

/// What both keep: (A⁻¹ + B⁻¹ - I)⁻¹, for singular ones on the intersection of their ranges.
///
/// @throws as `check`, shape_error if the widths differ
/// @cost   O(d³), four eigendecompositions
STEER_API conceptor conjunction(const conceptor& a, const conceptor& b);

/// What either keeps, by de Morgan: of two sets of samples, the conceptor of both together. OR(C, C) is not C.
/// @throws as `conjunction`
/// @cost   as `conjunction`
STEER_API conceptor disjunction(const conceptor& a, const conceptor& b);

/// C (C + γ⁻² (I - C))⁻¹: the conceptor of the same samples with γ times the aperture. Above 1 it keeps more.
///
/// @throws as `check`; argument_error if γ is not above 0, or not finite
/// @cost   O(d³)
STEER_API conceptor with_aperture(const conceptor& c, double gamma);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/compose/boolean.ipp"
#endif
