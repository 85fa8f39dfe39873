// steer/io/plain_edit.hpp: edits that say no more than formats of other projects can.
#pragma once

#include <map>
#include <string_view>

#include "steer/core/linkage.hpp"
#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Refuses whatever an edit says besides operation and layers: a format that has no words for it would drop it.
STEER_API void require_plain(const edit& e, std::string_view format);

/// The directions that an edit of one vector uses.
STEER_API std::map<int, direction> used_directions(const edit& e, std::string_view format);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/plain_edit.ipp"
#endif
