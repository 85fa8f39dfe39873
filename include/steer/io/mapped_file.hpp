// steer/io/mapped_file.hpp: a whole file as read-only bytes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

#if __has_include(<sys/mman.h>)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#else
#include <fstream>
#include <vector>
#endif

#include "steer/core/error.hpp"

namespace steer {
inline namespace v0 {

/// A file's bytes for as long as the object lives: memory-mapped where the system can, read otherwise.
///
/// @throws file_error naming the path if the file is missing, no regular file, or cannot be read
/// @cost  mapping is constant time; pages are read when touched
class mapped_file {
 public:
  explicit mapped_file(const std::filesystem::path& path) : path_(path) {
    std::error_code failure;
    if (!std::filesystem::is_regular_file(path, failure)) {
      throw file_error(detail::text("file ", path.string(), failure ? " does not exist or cannot be reached"
                                                                    : " is not a regular file"));
    }
    open();
  }
  mapped_file(mapped_file&& other) noexcept
      : path_(std::move(other.path_)),
#if __has_include(<sys/mman.h>)
        bytes_(std::exchange(other.bytes_, {})) {
  }
#else
        storage_(std::move(other.storage_)),
        bytes_(std::exchange(other.bytes_, {})) {
  }
#endif
  mapped_file& operator=(mapped_file&&) = delete;
  ~mapped_file() { close(); }

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
#if __has_include(<sys/mman.h>)
  void open() {
    const int descriptor = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (descriptor < 0 || ::fstat(descriptor, &status) != 0) {
      if (descriptor >= 0) {
        ::close(descriptor);
      }
      throw file_error(detail::text("file ", path_.string(), " cannot be opened for reading"));
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    void* start = size == 0 ? nullptr : ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    ::close(descriptor);
    if (start == MAP_FAILED) {
      throw file_error(detail::text("file ", path_.string(), " of ", size, " bytes cannot be mapped"));
    }
    bytes_ = {static_cast<const std::byte*>(start), size};
  }
  void close() noexcept {
    if (!bytes_.empty()) {
      ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
    }
  }
#else
  void open() {
    std::ifstream in(path_, std::ios::binary);
    storage_.resize(static_cast<std::size_t>(std::filesystem::file_size(path_)));
    in.read(reinterpret_cast<char*>(storage_.data()), static_cast<std::streamsize>(storage_.size()));
    if (!in) {
      throw file_error(detail::text("file ", path_.string(), " cannot be read"));
    }
    bytes_ = storage_;
  }
  void close() noexcept {}
  std::vector<std::byte> storage_;
#endif

  std::filesystem::path path_;
  std::span<const std::byte> bytes_;
};

}  // namespace v0
}  // namespace steer
