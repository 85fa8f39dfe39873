// steer/io/interference_json.hpp: an interference report as JSON. Opt-in: component `safetensors`.
//
//     {"version": 1, "names": ["happy", ...], "layers": {"3": {"gram": [[1, ...], ...], "condition": 4, ...}, ...}}
//
// Layers are zero-based. Doubles survive the round trip bit for bit; an infinite condition number is null.
#pragma once

#include <string>
#include <string_view>

#include "steer/core/linkage.hpp"
#include "steer/vector/interference_report.hpp"

namespace steer {
inline namespace v0 {
/// The report as JSON text, indented by two.
/// @throws as `check` of a report; shape_error if a layer is negative; format_error if a name is no UTF-8
STEER_API std::string to_json(const interference_report& report);

/// Reads what `to_json` wrote.
/// @throws format_error for anything else: malformed JSON, another version, a key that is unknown or missing, sizes that
///         do not fit
STEER_API interference_report parse_interference_json(std::string_view text);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/interference_json.ipp"
#endif
