// steer/io/write_file.hpp: a file appears whole or not at all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string_view>

#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {
/// Says before the work whether its result can be written: `write_file` would find a place. The disk may still be full.
///
/// @param format  what the file is, for the message: "gguf"
/// @throws file_error naming the path and what the system says
STEER_API void require_writable(const std::filesystem::path& path, std::string_view format);

/// Writes the parts one after the other. They are written beside their place, brought to the disk and renamed, so that
/// whoever opens the file sees the old content or the new, also after a power cut, and an old file stays where the disk is
/// full. It keeps its mode, and its owner if the system allows it; other hard links keep the old content. Links are followed.
/// A device or a pipe is written to as it is; a pipe that nobody reads is refused after a few seconds.
///
/// @param format  what the file is, for the message: "gguf"
/// @throws file_error naming the path and what the system says if it cannot be written
/// @cost   one pass over the bytes, and the disk's time to store them
STEER_API void write_file(const std::filesystem::path& path, std::span<const std::span<const std::byte>> parts,
                       std::string_view format);

STEER_API void write_file(const std::filesystem::path& path, std::initializer_list<std::span<const std::byte>> parts,
                       std::string_view format);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/write_file.ipp"
#endif
