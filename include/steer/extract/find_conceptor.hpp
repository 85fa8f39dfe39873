// steer/extract/find_conceptor.hpp: the conceptor of samples.
#pragma once

#include "steer/core/linkage.hpp"
#include "steer/extract/moments.hpp"
#include "steer/extract/sample_rows.hpp"
#include "steer/vector/conceptor.hpp"

namespace steer {
inline namespace v0 {

struct conceptor_options {
  /// α: directions with a mean square above α⁻² are mostly kept, those below mostly not.
  double aperture = 1.0;
};

/// C = R (R + α⁻² I)⁻¹, R = Σ h hᵀ / n about zero.
///
/// @throws argument_error for an aperture not above 0; numeric_error before the first row, or for an aperture so large
///         that R + α⁻² I is singular
/// @cost   O(d³)
/// @source Jaeger 2014, arXiv:1403.3369; for steering Postmus & Abreu 2024, arXiv:2410.16314; deviation: none
STEER_API conceptor find_conceptor(const moments& seen, conceptor_options options = {});

/// The same of samples, in as many dimensions as there are samples where those are fewer.
///
/// @shape  samples [n, d]
/// @throws argument_error for an aperture not above 0; numeric_error for no sample, NaN, or too large an aperture
/// @cost   O(n d min(n, d) + min(n, d)³ + n d²)
STEER_API conceptor find_conceptor(const sample_rows& samples, conceptor_options options = {});

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/find_conceptor.ipp"
#endif
