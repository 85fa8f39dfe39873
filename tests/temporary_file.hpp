// tests/temporary_file.hpp: a file that goes with the test.
#pragma once

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>

/// A path of its own in the system's temporary folder; whatever stands there at the end is removed.
class temporary_file {
 public:
  explicit temporary_file(std::string_view suffix = "") {
    std::random_device entropy;
    path_ = std::filesystem::temp_directory_path() /
            ("steer_test_" + std::to_string(entropy()) + std::to_string(entropy()) + std::string(suffix));
  }
  temporary_file(std::string_view suffix, std::string_view content) : temporary_file(suffix) {
    std::ofstream(path_, std::ios::binary) << content;
  }
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
  ~temporary_file() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  [[nodiscard]] std::string content() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::filesystem::path path_;
};
