// steer/io/json_scan.hpp: the first level of a JSON object, for the formats that the core reads without a JSON library.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// The values of an object by their keys, each as it is written, without the space around it. What a value nests is
/// checked and not looked at.
///
/// @throws format_error if this is no JSON object, nests deeper than 64 levels, or has a key twice; `who` names it
/// @source RFC 8259
STEER_API std::map<std::string, std::string_view> json_values(std::string_view written, const std::string& who);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/json_scan.ipp"
#endif
