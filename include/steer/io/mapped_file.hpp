// steer/io/mapped_file.hpp: a whole file as read-only bytes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>

#include "steer/core/error.hpp"
#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {

/// A file's bytes for as long as the object lives: a small file is read, a larger one mapped where the system can.
///
/// What is done to a file that has been read does not show. One that is mapped must not be changed in place meanwhile:
/// whoever touches bytes that another program has cut off is ended by the system (SIGBUS), which no check can rule out.
/// A file that is replaced by renaming, as every writer here does it, stays whole for those who have it open.
///
/// @throws file_error naming the path if the file is missing, no regular file, cannot be read, or is cut off meanwhile;
///         format_error if nothing is in it, or no more than a Git LFS pointer to what should be
/// @source the pointer's first line: git-lfs/git-lfs docs/spec.md
/// @cost  one copy up to `most_read` bytes, tens of milliseconds; mapping is constant time, pages are read when touched
class mapped_file {
 public:
  static constexpr std::size_t most_read = std::size_t{64} << 20U;  // above every file of vectors, below most models

  STEER_API explicit mapped_file(const std::filesystem::path& path);
  mapped_file(mapped_file&& other) noexcept
      : path_(std::move(other.path_)), storage_(std::move(other.storage_)), bytes_(std::exchange(other.bytes_, {})) {}
  mapped_file& operator=(mapped_file&&) = delete;
  ~mapped_file() { close(); }

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  STEER_API [[noreturn]] void fail(std::initializer_list<text_part> parts) const;

  STEER_API void open();
  STEER_API void require_content() const;
  STEER_API void close() noexcept;

  std::filesystem::path path_;
  std::unique_ptr<std::byte[]> storage_;  // of a file that was read
  std::span<const std::byte> bytes_;
};

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/mapped_file.ipp"
#endif
