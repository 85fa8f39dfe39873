// steer/recipe/schedule.hpp: the rows of a sequence that an edit touches, and how strongly.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/rows.hpp"
#include "steer/recipe/field.hpp"

namespace steer {
inline namespace v0 {

/// The rows of a sequence that an edit touches: those that meet every part. The default is every row.
///
/// Each part depends on the row's own facts alone, so a prompt that arrives in chunks is steered like one that does not.
/// @cost  per row a comparison for each position that is listed
struct schedule {
  std::optional<steer::phase> phase = std::nullopt;              ///< only the prompt, or only what is generated
  std::int32_t first = 0;                                        ///< first position, zero-based
  std::int32_t last = std::numeric_limits<std::int32_t>::max();  ///< last position, included
  std::optional<std::int32_t> last_of_prompt = std::nullopt;     ///< only the prompt's last so many rows
  std::vector<std::int32_t> positions = {};                      ///< only these; empty: all
  std::vector<std::int32_t> except = {};                         ///< never these, whatever else says so
  /// Positions in which the strength halves, counted from `first`, or from the first generated row where that is later
  /// and the phase is generation. Infinity: it stays.
  float half_life = std::numeric_limits<float>::infinity();

  [[nodiscard]] bool everything() const noexcept { return !phase && !by_position() && !last_of_prompt; }
  /// Whether a row's position matters.
  [[nodiscard]] bool by_position() const noexcept {
    return first > 0 || last != std::numeric_limits<std::int32_t>::max() || !positions.empty() || !except.empty() ||
           decays();
  }
  /// Whether the length of a row's prompt matters.
  [[nodiscard]] bool by_prompt_length() const noexcept {
    return last_of_prompt.has_value() || (decays() && phase == steer::phase::generation);
  }
  [[nodiscard]] bool decays() const noexcept { return half_life != std::numeric_limits<float>::infinity(); }

  [[nodiscard]] bool contains(const row_info& row) const noexcept {
    const auto among = [&row](const std::vector<std::int32_t>& some) {
      return std::find(some.begin(), some.end(), row.position) != some.end();
    };
    return (!phase || *phase == row.phase) && row.position >= first && row.position <= last &&
           (!last_of_prompt ||
            (row.phase == steer::phase::prompt && row.position >= row.prompt_length - *last_of_prompt)) &&
           (positions.empty() || among(positions)) && !among(except);
  }

  /// How much of the edit a row receives: 0 outside the schedule, 1 within, less where it decays.
  [[nodiscard]] double weight(const row_info& row) const noexcept {
    if (!contains(row)) {
      return 0.0;
    }
    if (!decays()) {
      return 1.0;
    }
    const std::int32_t start = phase == steer::phase::generation ? std::max(first, row.prompt_length) : first;
    return std::exp2(-static_cast<double>(std::max(row.position - start, 0)) / static_cast<double>(half_life));
  }

  bool operator==(const schedule&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("phase", self.phase);
    visit("first", self.first);
    visit("last", self.last);
    visit("last_of_prompt", self.last_of_prompt);
    visit("positions", self.positions);
    visit("except", self.except);
    visit("half_life", self.half_life, domain::above_zero);
  }
};

/// The first n rows of a sequence.
/// @throws argument_error if n is below 1
inline schedule first_rows(std::int32_t n) {
  if (n < 1) {
    throw argument_error(
        detail::text({"first_rows: of ", detail::actual(n), " rows; expected ", detail::expected("at least 1")}));
  }
  return {.last = n - 1};
}

/// @throws argument_error if no row can be in the schedule, numeric_error for a half-life that is none; `who` names the edit
inline void check(const schedule& rows, const std::string& who) {
  schedule::fields(rows, detail::field_check{who});
  if (rows.first < 0 || rows.last < rows.first) {
    throw argument_error(detail::text({who, ": selects positions ", detail::actual({rows.first, " to ", rows.last}),
                                       "; expected ", detail::expected("0 <= first <= last")}));
  }
  const auto possible = [&rows](std::int32_t position) {
    return position >= rows.first && position <= rows.last &&
           std::find(rows.except.begin(), rows.except.end(), position) == rows.except.end();
  };
  if (!rows.positions.empty() && std::none_of(rows.positions.begin(), rows.positions.end(), possible)) {
    throw argument_error(detail::text({who, ": none of its ", rows.positions.size(), " positions lies in ",
                                       detail::expected({rows.first, " to ", rows.last}), " without being excepted"}));
  }
  if (rows.last_of_prompt && *rows.last_of_prompt < 1) {
    throw argument_error(detail::text({who, ": selects the prompt's last ", detail::actual(*rows.last_of_prompt),
                                       " rows; expected ", detail::expected("at least 1")}));
  }
  if (rows.last_of_prompt && rows.phase == phase::generation) {
    throw argument_error(
        detail::text({who, ": selects the prompt's last rows and the generation phase, which no row is both"}));
  }
}

}  // namespace v0
}  // namespace steer
