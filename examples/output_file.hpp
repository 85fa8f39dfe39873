// output_file.hpp: a file that is refused before the work that fills it, and exists only when it is whole.
#pragma once

#include <filesystem>
#include <fstream>
#include <ostream>
#include <system_error>
#include <utility>

#include "steer/core/error.hpp"

namespace example {

/// Written beside its place, as `<path>.part`, and moved there by `keep`.
class output_file {
 public:
  /// @throws steer::file_error if it cannot be written
  explicit output_file(std::filesystem::path path)
      : path_(std::move(path)), unfinished_(path_.string() + ".part"), out_(unfinished_) {
    require();
  }

  output_file(const output_file&) = delete;
  output_file& operator=(const output_file&) = delete;

  /// What was not kept leaves nothing behind.
  ~output_file() {
    if (!kept_) {
      out_.close();
      std::error_code ignored;
      std::filesystem::remove(unfinished_, ignored);
    }
  }

  [[nodiscard]] std::ostream& stream() noexcept { return out_; }

  /// @throws steer::file_error if not all could be written, std::filesystem::filesystem_error if it cannot be moved
  void keep() {
    out_.close();
    require();
    std::filesystem::rename(unfinished_, path_);
    kept_ = true;
  }

 private:
  void require() const {
    if (!out_) {
      throw steer::file_error(steer::detail::text("file ", unfinished_.string(), " cannot be written"));
    }
  }

  std::filesystem::path path_;
  std::filesystem::path unfinished_;
  std::ofstream out_;
  bool kept_ = false;
};

}  // namespace example
