// steer/inject/passage_state.hpp: whether a sequence is in a passage, row by row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/recipe/passage.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// What is known of a row: nothing where rows before it were not shown and no marker has come since.
enum class whereabouts : std::uint8_t { unknown, outside, inside };

/// One sequence and one passage. It keeps where something changes, so that a row that is shown again at a later layer, or to which a
/// sequence goes back, is found where it was.
class passage_state {
 public:
  /// The row at a position has this token. Rows come in order; what was known of this one and later ones is forgotten.
  /// @cost allocates when a sequence has changed more often than ever before
  STEER_API void see(const passage& what, std::int32_t token, std::int32_t position);
  STEER_API void forget_from(std::int32_t position) noexcept;
  /// Rows first to first + count - 1 are gone, those behind them have moved down; what they were inside of they still are.
  STEER_API void shift(std::int32_t first, std::int32_t count) noexcept;
  STEER_API [[nodiscard]] whereabouts at(const passage& what, std::int32_t position) const noexcept;

 private:
  /// From a position on.
  struct change {
    std::int32_t position = 0;
    whereabouts now = whereabouts::unknown;
    std::uint32_t marker = 0;   // of which the last tokens are the beginning: those of `from` first, then those of `until`
    std::uint32_t matched = 0;  // so many

    [[nodiscard]] bool same_state(const change& other) const noexcept {
      return now == other.now && marker == other.marker && matched == other.matched;
    }
  };

  STEER_API static change next(const passage& what, const change& before, std::int32_t token);

  std::vector<change> changes_;
  std::int32_t end_ = 0;  // rows seen
};

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/inject/passage_state.ipp"
#endif
