// steer/extract/whitened_difference.ipp: the bodies of whitened_difference.hpp.
#pragma once

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/whitened_difference.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY void require_shrinkage(const whitened_options& options) {
  if (!(options.shrinkage >= 0.0 && options.shrinkage <= 1.0)) {
    throw argument_error(
        text({"whitened_difference: shrinkage is ", actual(options.shrinkage), "; expected ", expected("0 to 1")}));
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
