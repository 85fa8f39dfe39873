#include "output_file.hpp"

#include <filesystem>

#include <gtest/gtest.h>

#include "temporary_file.hpp"

namespace {

using example::output_file;

TEST(OutputFile, ExistsOnlyWhenItIsWhole) {
  const temporary_file place(".csv", "what stood there");
  const std::filesystem::path unfinished = place.path().string() + ".part";
  output_file out(place.path());
  out.stream() << "a,b\n1,2\n";
  EXPECT_EQ(place.content(), "what stood there");
  EXPECT_TRUE(std::filesystem::exists(unfinished));
  out.keep();
  EXPECT_EQ(place.content(), "a,b\n1,2\n");
  EXPECT_FALSE(std::filesystem::exists(unfinished));
}

TEST(OutputFile, LeavesNothingBehindIfTheWorkFails) {
  const temporary_file place(".csv", "what stood there");
  const std::filesystem::path unfinished = place.path().string() + ".part";
  {
    output_file out(place.path());
    out.stream() << "a,b\n";
    EXPECT_TRUE(std::filesystem::exists(unfinished));
  }
  EXPECT_FALSE(std::filesystem::exists(unfinished));
  EXPECT_EQ(place.content(), "what stood there");
}

TEST(OutputFile, IsRefusedBeforeAnythingIsWritten) {
  try {
    output_file("/no/such/folder/table.csv");
    FAIL() << "a file in no folder";
  } catch (const steer::file_error& error) {
    EXPECT_STREQ(error.what(), "file /no/such/folder/table.csv.part cannot be written");
  }
}

}  // namespace
