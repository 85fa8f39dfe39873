// steer/recipe/schedule.hpp: the rows of a sequence that an edit touches, and how strongly.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/core/rows.hpp"
#include "steer/recipe/field.hpp"
#include "steer/recipe/passage.hpp"

namespace steer {
inline namespace v0 {

/// The rows of a sequence that an edit touches: those that meet every part. The default is every row.
///
/// Each part but `passages` depends on the row's own facts alone, so a prompt that arrives in chunks is steered like one that does
/// not. Passages depend on the tokens before the row as well, which a `session` remembers.
/// @cost  per row a comparison for each position that is listed
struct schedule {
  std::optional<steer::phase> phase = std::nullopt;              ///< only the prompt, or only what is generated
  std::int32_t first = 0;                                        ///< first position, zero-based
  std::int32_t last = std::numeric_limits<std::int32_t>::max();  ///< last position, included
  std::optional<std::int32_t> last_of_prompt = std::nullopt;     ///< only the prompt's last so many rows
  std::vector<std::int32_t> positions = {};                      ///< only these; empty: all
  std::vector<std::int32_t> except = {};                         ///< never these, whatever else says so
  std::vector<passage> passages = {};                            ///< only rows that are in each of these
  std::vector<int> streams = {};                                 ///< only these residual streams; empty: all alike
  /// Positions in which the strength halves, counted from `first`, or from the first generated row where that is later
  /// and the phase is generation. Infinity: it stays.
  float half_life = std::numeric_limits<float>::infinity();

  [[nodiscard]] bool everything() const noexcept { return !phase && !by_position() && !last_of_prompt && passages.empty() && streams.empty(); }
  /// Whether a row's position matters.
  STEER_API [[nodiscard]] bool by_position() const noexcept;
  /// Whether the length of a row's prompt matters.
  [[nodiscard]] bool by_prompt_length() const noexcept {
    return last_of_prompt.has_value() || (decays() && phase == steer::phase::generation);
  }
  [[nodiscard]] bool decays() const noexcept { return half_life != std::numeric_limits<float>::infinity(); }

  /// As far as the row's facts say it: for the passages see `session`.
  STEER_API [[nodiscard]] bool contains(const row_info& row) const noexcept;

  /// How much of the edit a row receives: 0 outside the schedule, 1 within, less where it decays. As `contains`.
  STEER_API [[nodiscard]] double weight(const row_info& row) const noexcept;

  bool operator==(const schedule&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("phase", self.phase);
    visit("first", self.first);
    visit("last", self.last);
    visit("last_of_prompt", self.last_of_prompt);
    visit("positions", self.positions);
    visit("except", self.except);
    visit("passages", self.passages);
    visit("streams", self.streams);
    visit("half_life", self.half_life, domain::above_zero);
  }
};

/// The first n rows of a sequence.
/// @throws argument_error if n is below 1
STEER_API schedule first_rows(std::int32_t n);

/// @throws argument_error if no row can be in the schedule, numeric_error for a half-life that is none; `who` names the edit
STEER_API void check(const schedule& rows, const std::string& who);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/recipe/schedule.ipp"
#endif
