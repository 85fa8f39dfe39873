// steer/recipe/norm_mode.ipp: the bodies of norm_mode.hpp.
#pragma once

#include <algorithm>
#include <string>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/recipe/norm_mode.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY double norm_mode::factor(double before, double after) const noexcept {
  constexpr double nothing_left = 1e-6;
  if (rule == norm_rule::none || !(after > nothing_left * before)) {
    return 1.0;
  }
  const double ratio_to_before = before / after;
  switch (rule) {
    case norm_rule::restore: return ratio_to_before;
    case norm_rule::restore_if_grown: return std::min(1.0, ratio_to_before);
    default: return std::min(1.0, static_cast<double>(ratio) * ratio_to_before);
  }
}

}  // namespace v0
}  // namespace steer
