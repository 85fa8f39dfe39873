// steer/extract/find_conceptor.ipp: the bodies of find_conceptor.hpp.
#pragma once

#include <cmath>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/find_conceptor.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY double inverse_square(const conceptor_options& options) {
  const double out = 1.0 / (options.aperture * options.aperture);
  if (!(options.aperture > 0.0 && std::isfinite(options.aperture) && out > 0.0 && std::isfinite(out))) {
    throw argument_error(text({"find_conceptor: aperture is ", actual(options.aperture), "; expected ",
                               expected("a finite number above 0"), ", and its square too"}));
  }
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
