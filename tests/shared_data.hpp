// shared_data.hpp: files that lie beside the repository, too large for it. A test that needs one is skipped where the
// file is not, and says which file that was.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace steer_test {

/// The folder of shared data: $STEER_SHARED_DIR, or `shared` beside the repository.
///
/// @return nothing if there is no such folder
inline std::optional<std::filesystem::path> shared_dir() {
  const char* named = std::getenv("STEER_SHARED_DIR");
  const std::filesystem::path folder = named != nullptr
                                           ? std::filesystem::path{named}
                                           : std::filesystem::path{STEER_SOURCE_DIR}.parent_path() / "shared";
  std::error_code failure;
  return std::filesystem::is_directory(folder, failure) ? std::optional{folder} : std::nullopt;
}

/// One file below it, for instance `golden/stories260K.json`.
///
/// @return nothing if the file is not there
inline std::optional<std::filesystem::path> shared_file(const std::string& relative) {
  const auto folder = shared_dir();
  std::error_code failure;
  return folder && std::filesystem::exists(*folder / relative, failure) ? std::optional{*folder / relative}
                                                                        : std::nullopt;
}

}  // namespace steer_test

/// Declares `variable`, the path of a shared file, and skips the test where it is not. Whoever names the folder by
/// $STEER_SHARED_DIR wants those tests to run: there a missing file is a failure. A macro because GTEST_SKIP returns.
#define STEER_NEED_SHARED_FILE(variable, relative)                                                       \
  if (!::steer_test::shared_file(relative)) {                                                            \
    if (std::getenv("STEER_SHARED_DIR") != nullptr) {                                                    \
      FAIL() << "shared file " << (relative) << " is missing below $STEER_SHARED_DIR";                   \
    }                                                                                                    \
    GTEST_SKIP() << "shared file " << (relative) << " is not here (set STEER_SHARED_DIR to its folder)"; \
  }                                                                                                      \
  const std::filesystem::path variable = *::steer_test::shared_file(relative)
