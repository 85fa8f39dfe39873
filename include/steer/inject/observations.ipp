// steer/inject/observations.ipp: the bodies of observations.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "steer/core/real.hpp"
#include "steer/inject/observations.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY std::span<const float> observations::coordinates(std::size_t i) const noexcept {
  const std::size_t at = place(i);
  return {coordinates_.data() + at * options_.coordinates,
          std::min<std::size_t>(kept_[at].count, options_.coordinates)};
}

STEER_BODY observations::room observations::push() noexcept {
  const std::size_t at = next_;
  next_ = next_ + 1 == kept_.size() ? 0 : next_ + 1;
  ++total_;
  return {kept_[at], {coordinates_.data() + at * options_.coordinates, options_.coordinates}};
}

}  // namespace v0
}  // namespace steer
