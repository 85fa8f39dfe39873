#include "steer/core/version.hpp"

#include <fstream>
#include <iterator>
#include <regex>
#include <string>

#include <gtest/gtest.h>

namespace {

TEST(version, is_the_projects) {
  std::ifstream in(STEER_SOURCE_DIR "/CMakeLists.txt");
  const std::string project{std::istreambuf_iterator<char>(in), {}};
  std::smatch found;
  ASSERT_TRUE(std::regex_search(project, found, std::regex(R"(project\(steer VERSION (\d+\.\d+\.\d+)\s)")));
  EXPECT_EQ(found[1].str(), std::to_string(STEER_VERSION_MAJOR) + "." + std::to_string(STEER_VERSION_MINOR) + "." +
                                std::to_string(STEER_VERSION_PATCH));
}

TEST(version, compares_as_a_number) {
  static_assert(STEER_VERSION / 10000 == STEER_VERSION_MAJOR);
  static_assert(STEER_VERSION / 100 % 100 == STEER_VERSION_MINOR);
  static_assert(STEER_VERSION % 100 == STEER_VERSION_PATCH);
#if STEER_VERSION < 100
  FAIL() << "the preprocessor reads " << STEER_VERSION << " as less than 0.1.0";
#endif
}

}  // namespace
