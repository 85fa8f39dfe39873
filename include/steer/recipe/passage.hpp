// steer/recipe/passage.hpp: rows by the tokens that their sequence has read before them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {

/// Tokens that stand one after the other and mark a place in a text: often one, as "<think>".
using marker = std::vector<std::int32_t>;

/// A part of a sequence: from the row that has read one of the markers `from` up to the row that has read one of `until`, which is no
/// longer in it. So the rows of a passage are those whose next token is: after "<think>" comes the first thought, and after "</think>"
/// the first word that is none. A sequence may enter and leave it any number of times.
///
///     steer::inside({think}, {end_of_thought})             // while it thinks
///     steer::outside({tool_call}, {end_of_tool_call})      // all but its calls of tools
///     steer::until_token({end_of_turn})                    // and then never again
///
/// Where two markers end at one token, the longer one counts.
struct passage {
  std::vector<marker> from = {};
  std::vector<marker> until = {};
  bool at_start = false;  ///< whether a sequence begins in it

  bool operator==(const passage&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("passage from", self.from);
    visit("passage until", self.until);
    visit("passage at_start", self.at_start);
  }
};

/// What stands between two markers.
STEER_API passage inside(marker begin, marker end);
/// What does not stand between two markers; the end marker's row is outside.
STEER_API passage outside(marker begin, marker end);
/// The row that has read a marker, and all after it.
STEER_API passage from_token(marker begin);
/// The rows before the one that has read a marker.
STEER_API passage until_token(marker end);

/// @throws argument_error for a passage without a marker, one that is empty, has a token below 0, or is in both lists, and one that no
///         row can enter; `who` names the edit
STEER_API void check(const passage& p, const std::string& who);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/recipe/passage.ipp"
#endif
