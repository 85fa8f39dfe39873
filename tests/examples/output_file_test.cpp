#include "output_file.hpp"

#include <filesystem>

#include <gtest/gtest.h>

#include "expect_error.hpp"
#include "temporary_file.hpp"

namespace {

using example::output_file;

TEST(OutputFile, ExistsOnlyWhenItIsWhole) {
  const temporary_file place(".csv", "what stood there");
  output_file out(place.path());
  out.stream() << "a,b\n1,2\n";
  EXPECT_EQ(place.content(), "what stood there");
  out.keep();
  EXPECT_EQ(place.content(), "a,b\n1,2\n");
}

TEST(OutputFile, LeavesNothingBehindIfTheWorkFails) {
  const temporary_file folder;
  std::filesystem::create_directory(folder.path());
  {
    output_file out(folder.path() / "table.csv");
    out.stream() << "a,b\n";
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(OutputFile, GoesWhereALinkLeads) {
  const temporary_file place(".csv", "what stood there");
  const temporary_file link(".csv");
  std::filesystem::create_symlink(place.path(), link.path());
  output_file out(link.path());
  out.stream() << "a,b\n";
  out.keep();
  EXPECT_TRUE(std::filesystem::is_symlink(link.path()));
  EXPECT_EQ(place.content(), "a,b\n");
}

TEST(OutputFile, IsRefusedBeforeAnythingIsWritten) {
  expect_error<steer::file_error>([] { output_file("/no/such/folder/table.csv"); },
                                  "csv: file /no/such/folder/table.csv cannot be written: No such file or directory");
  expect_error<steer::file_error>([] { output_file{std::filesystem::temp_directory_path()}; }, "Is a directory");
}

TEST(OutputFile, SaysThatTheDiskIsFull) {
  output_file out("/dev/full", "table");
  out.stream() << "a,b\n";
  expect_error<steer::file_error>([&] { out.keep(); }, "table: file /dev/full cannot be written: No space left on device");
}

}  // namespace
