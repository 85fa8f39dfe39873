// steer/measure/quantile.ipp: the bodies of quantile.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/measure/quantile.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY double quantile(std::vector<double> of, double share, const std::string& who) {
  if (!(share >= 0.0 && share <= 1.0) || of.empty()) {
    throw argument_error(text({thing(who), ": a quantile of ", actual(share), " of ", of.size(), " numbers; expected ",
                               expected("0 to 1, of at least one")}));
  }
  const auto at = static_cast<std::ptrdiff_t>(std::lround(share * static_cast<double>(of.size() - 1)));
  std::nth_element(of.begin(), of.begin() + at, of.end());
  return of[static_cast<std::size_t>(at)];
}

}  // namespace v0
}  // namespace steer
