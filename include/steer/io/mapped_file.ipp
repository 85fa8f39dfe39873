// steer/io/mapped_file.ipp: the bodies of mapped_file.hpp.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <system_error>

#if __has_include(<sys/mman.h>)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#else
#include <fstream>
#endif

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/mapped_file.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY mapped_file::mapped_file(const std::filesystem::path& path) : path_(path) {
  std::error_code failure;
  if (!std::filesystem::is_regular_file(path, failure)) {
    const bool is_directory = !failure && std::filesystem::is_directory(path, failure);
    fail({failure ? "does not exist or cannot be reached" : is_directory ? "is a directory; expected a file" : "is not a regular file"});
  }
  open();
  try {
    require_content();
  } catch (...) {
    close();
    throw;
  }
}

STEER_BODY void mapped_file::require_content() const {
  if (bytes_.empty()) {
    throw format_error(text({thing({"file ", path_.string()}), " is empty"}));
  }
  constexpr std::string_view pointer = "version https://git-lfs.github.com/spec/v1";
  const std::string_view start(reinterpret_cast<const char*>(bytes_.data()), std::min(bytes_.size(), pointer.size()));
  if (start == pointer) {
    throw format_error(text({thing({"file ", path_.string()}), " is a Git LFS pointer, not the file that it stands for; ",
                             "`git lfs pull` brings it"}));
  }
}

STEER_BODY void mapped_file::fail(std::initializer_list<text_part> parts) const {
  throw file_error(text({thing({"file ", path_.string()}), " ", text(parts)}));
}

#if __has_include(<sys/mman.h>)
namespace detail {

/// A file that is open.
struct descriptor {
  int number;

  explicit descriptor(int opened) : number(opened) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (number >= 0) {
      ::close(number);
    }
  }
};

}  // namespace detail

STEER_BODY void mapped_file::open() {
  const detail::descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (file.number < 0 || ::fstat(file.number, &status) != 0) {
    fail({"cannot be opened for reading"});
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size <= most_read) {
    storage_ = std::make_unique_for_overwrite<std::byte[]>(size);
    std::size_t done = 0;
    while (done < size) {
      const ::ssize_t part = ::read(file.number, storage_.get() + done, size - done);
      if (part < 0 && errno == EINTR) {
        continue;
      }
      if (part <= 0) {
        fail({"of ", expected(size), " bytes cannot be read beyond byte ", actual(done)});
      }
      done += static_cast<std::size_t>(part);
    }
    bytes_ = {storage_.get(), size};
    return;
  }
  void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number, 0);
  if (start == MAP_FAILED) {
    fail({"of ", size, " bytes cannot be mapped"});
  }
  bytes_ = {static_cast<const std::byte*>(start), size};
}

STEER_BODY void mapped_file::close() noexcept {
  if (!storage_ && !bytes_.empty()) {
    ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  }
}
#else
STEER_BODY void mapped_file::open() {
  std::ifstream in(path_, std::ios::binary);
  const auto size = static_cast<std::size_t>(std::filesystem::file_size(path_));
  storage_ = std::make_unique_for_overwrite<std::byte[]>(size);
  in.read(reinterpret_cast<char*>(storage_.get()), static_cast<std::streamsize>(size));
  if (!in) {
    fail({"cannot be read"});
  }
  bytes_ = {storage_.get(), size};
}

STEER_BODY void mapped_file::close() noexcept {}
#endif

}  // namespace v0
}  // namespace steer
