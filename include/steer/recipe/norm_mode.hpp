// steer/recipe/norm_mode.hpp: what an edit may do to the length of a row.
#pragma once

#include <cstdint>
#include <string_view>

#include "steer/core/linkage.hpp"
#include "steer/recipe/field.hpp"

namespace steer {
inline namespace v0 {

enum class norm_rule : std::uint8_t {
  none,              ///< whatever the edit makes of it
  restore,           ///< as before the edit
  restore_if_grown,  ///< at most as before the edit
  cap,               ///< at most `ratio` times what it was before the edit
};
constexpr norm_rule last_of(norm_rule) noexcept { return norm_rule::cap; }
constexpr std::string_view to_string(norm_rule value) noexcept {
  switch (value) {
    case norm_rule::none: return "none";
    case norm_rule::restore: return "restore";
    case norm_rule::restore_if_grown: return "restore_if_grown";
    case norm_rule::cap: break;
  }
  return "cap";
}

/// The length of a row after an edit, gate and schedule included, relative to that before the same edit. A row of which the
/// edit leaves less than a millionth of the length has no direction to restore one along, and stays as the edit leaves it.
///
/// Restoring a length does not change what the next RMSNorm makes of the row itself, only its weight in later sums.
struct norm_mode {
  norm_rule rule = norm_rule::none;
  float ratio = 1.0F;  ///< `cap` only, at least 1

  bool operator==(const norm_mode&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("norm rule", self.rule);
    visit("norm ratio", self.ratio, domain::at_least_one);
  }

  /// The factor that brings a row of norm `after`, which was `before`, to the length allowed.
  STEER_API [[nodiscard]] double factor(double before, double after) const noexcept;
};

/// As an option: `.norm = steer::restore_norm`.
inline constexpr norm_mode restore_norm{norm_rule::restore};
inline constexpr norm_mode restore_norm_if_grown{norm_rule::restore_if_grown};

/// The row grows to at most `ratio` times its length.
constexpr norm_mode cap_norm(float ratio) { return {norm_rule::cap, ratio}; }

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/recipe/norm_mode.ipp"
#endif
