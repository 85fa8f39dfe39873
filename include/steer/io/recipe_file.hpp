// steer/io/recipe_file.hpp: a recipe as a safetensors file. Opt-in: component `safetensors`.
//
// The metadata's `steer_recipe` holds the edits as JSON, each field under its name (recipe/field.hpp), enumerations by name, infinities
// as "infinity" and "-infinity"; the numbers of the n-th vector, plane or map are tensors that begin with "<n>.".
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "steer/core/linkage.hpp"
#include "steer/recipe/documented_recipe.hpp"

namespace steer {
inline namespace v0 {

class safetensors_file;

namespace detail {

inline constexpr const char* recipe_key = "steer_recipe";

/// A recipe as a file's bytes, with more metadata than its own.
/// @throws as `steer::recipe_bytes`
STEER_API std::string recipe_bytes(const documented_recipe& r, std::map<std::string, std::string> metadata);

/// The recipe of a file, whatever other metadata it has.
/// @throws as `load_recipe`
STEER_API documented_recipe recipe_in(const safetensors_file& file);

}  // namespace detail

/// A recipe as a file's bytes; reading it back gives an equal one. The same recipe gives the same bytes.
/// @throws as `check`; format_error if a text is no UTF-8
STEER_API std::string recipe_bytes(const documented_recipe& r);

/// SHA-256 of those bytes, as 64 hexadecimal digits: of what a file says, whatever the order in which it was written.
/// @throws as `recipe_bytes`
STEER_API std::string content_digest(const documented_recipe& r);

/// Writes it, whole or not at all.
/// @throws what `recipe_bytes` throws; file_error if the file cannot be written
STEER_API void save(const documented_recipe& r, const std::filesystem::path& path);

/// Reads what `save` wrote.
///
/// @throws file_error if the file cannot be read; format_error naming the file and the field for a file of another kind or
///         version, an unknown key or tensor, a missing one, or an edit that is not sound
STEER_API documented_recipe load_recipe(const std::filesystem::path& path);

/// The same from a file's bytes; `name` stands for the file in messages.
STEER_API documented_recipe parse_recipe(std::span<const std::byte> bytes, std::string name);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/recipe_file.ipp"
#endif
