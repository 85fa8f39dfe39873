// steer/recipe/edits/erase.hpp: what one set of directions reads is erased along another.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/recipe/edits/bound.hpp"

namespace steer {
inline namespace v0 {

/// h' = h - Δᵀ (W Δᵀ)⁻¹ W (h - origin): an oblique projector, for one direction h - δ wᵀ(h - origin) / (wᵀδ).
///
/// Afterwards the directions w read 0 (at the origin); along everything that δ does not span, nothing has changed.
/// @source Belrose et al. 2023, arXiv:2306.03819 (LEACE): with w = S⁻¹δ, the least change after which no linear classifier
///         finds the concept
struct erase_edit {
  static constexpr std::string_view name = "erase";

  std::vector<steering_vector> read = {};   ///< w, whose origins count
  std::vector<steering_vector> write = {};  ///< δ, as many
  coordinate_origin origin = coordinate_origin::zero;

  bool operator==(const erase_edit&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("read", self.read);
    visit("write", self.write);
    visit("origin", self.origin);
  }

  STEER_API void check_more(const std::string& who) const;
};

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/recipe/edits/erase.ipp"
#endif
