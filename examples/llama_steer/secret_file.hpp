// llama_steer/secret_file.hpp: a file that is for its owner only: a secret key, a password.
#pragma once

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "steer/core/error.hpp"

namespace llama_steer {
namespace detail {

[[noreturn]] inline void refuse_secret(const std::filesystem::path& file, const char* what, int number) {
  throw steer::file_error(steer::text({steer::thing({"key: file ", file.string()}), " cannot be ", what, ": ",
                                       steer::actual(std::generic_category().message(number))}));
}

}  // namespace detail

/// A short file's text, which is overwritten when it goes.
class secret_text {
 public:
  /// @throws steer::file_error if it cannot be read; steer::format_error if it is too long for a key or a password
  explicit secret_text(const std::filesystem::path& file) {
    const int in = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (in < 0) {
      detail::refuse_secret(file, "read", errno);
    }
    ::ssize_t count = 1;
    while (size_ < text_.size() && count > 0) {
      count = ::read(in, text_.data() + size_, text_.size() - size_);
      size_ += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    const int failure = count < 0 ? errno : 0;
    ::close(in);
    if (failure != 0) {
      detail::refuse_secret(file, "read", failure);
    }
    if (size_ == text_.size()) {
      throw steer::format_error(steer::text({steer::thing({"key: file ", file.string()}), " has ", steer::actual({size_, " bytes or more"}), "; expected ",
                                             steer::expected("a key or a password")}));
    }
  }
  secret_text(const secret_text&) = delete;
  secret_text& operator=(const secret_text&) = delete;
  ~secret_text() { sodium_memzero(text_.data(), text_.size()); }

  [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), size_}; }
  [[nodiscard]] std::string_view first_line() const noexcept { return text().substr(0, text().find_first_of("\r\n")); }

 private:
  std::array<char, 16384> text_{};
  std::size_t size_ = 0;
};

/// Writes a new file that only its owner reads, whole or not at all.
/// @throws steer::file_error if it is there already or cannot be written
inline void write_secret(const std::filesystem::path& file, std::string_view text) {
  const int out = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, S_IRUSR | S_IWUSR);
  if (out < 0) {
    detail::refuse_secret(file, "written", errno);
  }
  const ::ssize_t count = ::write(out, text.data(), text.size());
  int failure = count < 0 ? errno : count == static_cast<::ssize_t>(text.size()) ? 0 : ENOSPC;
  failure = failure == 0 && ::fsync(out) != 0 ? errno : failure;
  failure = ::close(out) != 0 && failure == 0 ? errno : failure;
  if (failure != 0) {
    ::unlink(file.c_str());
    detail::refuse_secret(file, "written", failure);
  }
}

}  // namespace llama_steer
