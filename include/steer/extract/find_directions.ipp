// steer/extract/find_directions.ipp: the bodies of find_directions.hpp.
#pragma once

#include <string>
#include <string_view>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/find_directions.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY std::string by_whitened_difference::name() const {
  return detail::text({"whitened_difference, shrinkage ", options.shrinkage});
}

STEER_BODY std::string by_probe::name() const { return detail::text({"probe, penalty ", options.penalty}); }

}  // namespace v0
}  // namespace steer
