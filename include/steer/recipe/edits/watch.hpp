// steer/recipe/edits/watch.hpp: coordinates and norms are read at this point of the order, nothing is written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/recipe/field.hpp"

namespace steer {
inline namespace v0 {

enum class watched_norm : std::uint8_t { ignored, read };
constexpr watched_norm last_of(watched_norm) noexcept { return watched_norm::read; }
constexpr std::string_view to_string(watched_norm value) noexcept {
  switch (value) {
    case watched_norm::ignored: return "ignored";
    case watched_norm::read: break;
  }
  return "read";
}

/// h' = h, and a session's telemetry receives u . h for each vector, and |h| if asked for.
struct watch_edit {
  static constexpr std::string_view name = "watch";

  std::vector<steering_vector> vectors = {};
  watched_norm norm = watched_norm::ignored;

  bool operator==(const watch_edit&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("vector", self.vectors);
    visit("norm", self.norm);
  }

  STEER_API void check_more(const std::string& who) const;
};

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/recipe/edits/watch.ipp"
#endif
