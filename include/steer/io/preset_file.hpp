// steer/io/preset_file.hpp: a preset as a safetensors file. Opt-in: component `safetensors`.
//
// A recipe's file (io/recipe_file.hpp), so that everything that reads recipes reads it, with the preset's name, version and doses as
// JSON in the metadata's `steer_preset`.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "steer/core/linkage.hpp"
#include "steer/recipe/preset.hpp"

namespace steer {
inline namespace v0 {

/// A preset as a file's bytes; reading it back gives an equal one. The same preset gives the same bytes.
/// @throws as `check`; format_error if a text is no UTF-8
STEER_API std::string preset_bytes(const preset& p);

/// SHA-256 of those bytes, as 64 hexadecimal digits.
/// @throws as `preset_bytes`
STEER_API std::string content_digest(const preset& p);

/// Writes it, whole or not at all.
/// @throws what `preset_bytes` throws; file_error if the file cannot be written
STEER_API void save(const preset& p, const std::filesystem::path& path);

/// Reads what `save` wrote.
///
/// @throws file_error if the file cannot be read; format_error naming the file and the field for a file of another kind or version, an
///         unknown key or tensor, a missing one, or a preset that is not sound
STEER_API preset load_preset(const std::filesystem::path& path);

/// The same from a file's bytes; `name` stands for the file in messages.
STEER_API preset parse_preset(std::span<const std::byte> bytes, std::string name);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/preset_file.ipp"
#endif
