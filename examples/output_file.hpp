// output_file.hpp: a file that is refused before the work that fills it, and exists only when it is whole.
#pragma once

#include <cstddef>
#include <filesystem>
#include <ostream>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "steer/io/write_file.hpp"

namespace example {

/// What is written to it is kept in memory until `keep` brings it to its place.
class output_file {
 public:
  /// @param format  what the file is, for messages
  /// @throws steer::file_error if it cannot be written
  explicit output_file(std::filesystem::path path, std::string_view format = "csv")
      : path_(std::move(path)), format_(format) {
    steer::require_writable(path_, format_);
  }

  output_file(const output_file&) = delete;
  output_file& operator=(const output_file&) = delete;

  [[nodiscard]] std::ostream& stream() noexcept { return out_; }

  /// @throws steer::file_error if not all could be written
  void keep() const { steer::write_file(path_, {std::as_bytes(std::span(out_.view()))}, format_); }

 private:
  std::filesystem::path path_;
  std::string format_;
  std::ostringstream out_;
};

}  // namespace example
