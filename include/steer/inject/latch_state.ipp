// steer/inject/latch_state.ipp: the bodies of latch_state.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "steer/core/real.hpp"
#include "steer/inject/latch_state.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY void latch_state::decide(double share, std::int32_t position, int stream) noexcept {
  if (stream > 0 && count_ > 0 && kept_[count_ - 1].position == position) {
    double& mean = kept_[count_ - 1].share;
    mean += (share - mean) / static_cast<double>(stream + 1);
    return;
  }
  forget_from(position);
  if (count_ == most) {
    std::copy(kept_.begin() + 1, kept_.end(), kept_.begin());
    --count_;
  }
  kept_[count_++] = {share, position};
}

STEER_BODY void latch_state::forget_from(std::int32_t position) noexcept {
  while (count_ > 0 && kept_[count_ - 1].position >= position) {
    --count_;
  }
}

STEER_BODY void latch_state::shift(std::int32_t first, std::int32_t count) noexcept {
  for (std::size_t i = 0; i < count_; ++i) {
    std::int32_t& at = kept_[i].position;
    at = at < first ? at : at - first < count ? first - 1 : at - count;
  }
}

STEER_BODY double latch_state::share_at(std::int32_t position) const noexcept {
  for (std::size_t i = count_; i > 0; --i) {
    if (kept_[i - 1].position < position) {
      return kept_[i - 1].share;
    }
  }
  return 0.0;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
