// steer/io/write_file.hpp: a file appears whole or not at all.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "steer/core/error.hpp"

namespace steer {
inline namespace v0 {

/// Writes the parts one after the other. They are written beside their place and renamed, so that whoever opens the
/// file sees the old content or the new, and an old file stays where the disk is full.
///
/// @param format  what the file is, for the message: "gguf"
/// @throws file_error naming the path if it cannot be written
/// @cost   one pass over the bytes
inline void write_file(const std::filesystem::path& path, std::span<const std::span<const std::byte>> parts,
                       std::string_view format) {
  std::filesystem::path draft;
  std::FILE* out = nullptr;
  for (int i = 0; i == 0 || (out == nullptr && errno == EEXIST && i < 1000); ++i) {
    draft = path;
    draft += "." + std::to_string(i) + ".part";
    out = std::fopen(draft.string().c_str(), "wbx");  // x: nobody else's file
  }
  bool written = out != nullptr;
  for (const std::span<const std::byte> part : parts) {
    written = written && (part.empty() || std::fwrite(part.data(), 1, part.size(), out) == part.size());
  }
  if (out != nullptr) {
    written = std::fclose(out) == 0 && written;
  }
  std::error_code failure;
  if (written) {
    std::filesystem::rename(draft, path, failure);
  }
  if (!written || failure) {
    std::error_code ignored;
    if (out != nullptr) {
      std::filesystem::remove(draft, ignored);
    }
    throw file_error(detail::text(format, ": file ", path.string(), " cannot be written"));
  }
}

inline void write_file(const std::filesystem::path& path, std::initializer_list<std::span<const std::byte>> parts,
                       std::string_view format) {
  write_file(path, std::span(parts.begin(), parts.size()), format);
}

}  // namespace v0
}  // namespace steer
