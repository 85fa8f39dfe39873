// steer/recipe/row_selection.hpp: the rows that an edit touches.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "steer/core/error.hpp"
#include "steer/core/rows.hpp"

namespace steer {
inline namespace v0 {

/// The rows of a sequence that an edit touches: those of a phase, between two positions. The default is every row.
struct row_selection {
  std::optional<steer::phase> phase = std::nullopt;                    ///< only the prompt, or only what is generated
  std::int32_t first = 0;                                                ///< first position, zero-based
  std::int32_t last = std::numeric_limits<std::int32_t>::max();          ///< last position, included

  [[nodiscard]] constexpr bool everything() const noexcept {
    return !phase && !by_position();
  }
  [[nodiscard]] constexpr bool by_position() const noexcept {
    return first > 0 || last != std::numeric_limits<std::int32_t>::max();
  }
  [[nodiscard]] constexpr bool contains(const row_info& row) const noexcept {
    return (!phase || *phase == row.phase) && row.position >= first && row.position <= last;
  }
  bool operator==(const row_selection&) const = default;
};

/// @throws argument_error if no row can be in the selection; `who` names the edit
inline void check(const row_selection& rows, const std::string& who) {
  if (rows.first < 0 || rows.last < rows.first) {
    throw argument_error(detail::text(who, ": selects positions ", rows.first, " to ", rows.last,
                                      "; expected 0 <= first <= last"));
  }
}

}  // namespace v0
}  // namespace steer
