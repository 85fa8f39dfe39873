// steer/inject/latch_state.hpp: what a latched gate remembers of a sequence.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// What a latched gate has decided for a sequence: the last few prompts' decisions, so that a sequence can go back to one.
class latch_state {
 public:
  /// Decisions that are remembered.
  static constexpr std::size_t most = 8;

  /// The row at a position decides, instead of whatever it and rows after it decided before. Where a token has several rows, one in
  /// each stream, they come in their order and it is the mean of what they say.
  STEER_API void decide(double share, std::int32_t position, int stream) noexcept;
  STEER_API void forget_from(std::int32_t position) noexcept;
  /// Rows first to first + count - 1 are gone, those behind them have moved down; what a row has decided outlives it.
  STEER_API void shift(std::int32_t first, std::int32_t count) noexcept;
  /// What holds for a row: the last decision before it; 0 if there is none.
  STEER_API [[nodiscard]] double share_at(std::int32_t position) const noexcept;

 private:
  struct decision {
    double share;
    std::int32_t position;
  };

  std::array<decision, most> kept_{};  // by position
  std::size_t count_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/inject/latch_state.ipp"
#endif
