#include "steer/io/write_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "expect_error.hpp"
#include "temporary_file.hpp"

namespace {

std::span<const std::byte> view(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST(write_file, writes_the_parts_over_the_old_file) {
  const temporary_file file(".txt", "an old and longer content");
  steer::write_file(file.path(), {view("new"), view(""), view(" content")}, "text");
  EXPECT_EQ(file.content(), "new content");
}

TEST(write_file, leaves_other_drafts_alone) {
  const temporary_file file(".txt");
  const std::filesystem::path other = file.path().string() + ".0.part";
  std::ofstream(other) << "precious";
  steer::write_file(file.path(), {view("new")}, "text");
  EXPECT_EQ(file.content(), "new");
  std::string kept;
  std::ifstream(other) >> kept;
  EXPECT_EQ(kept, "precious");
  std::filesystem::remove(other);
}

TEST(write_file, refuses_a_place_that_cannot_be_written_and_leaves_nothing_behind) {
  expect_error<steer::file_error>([] { steer::write_file("no/such/folder/a.txt", {view("x")}, "text"); },
                                  "text: file no/such/folder/a.txt cannot be written");
  const temporary_file folder;
  std::filesystem::create_directories(folder.path() / "in_the_way" / "full");
  expect_error<steer::file_error>([&] { steer::write_file(folder.path() / "in_the_way", {view("x")}, "text"); },
                                  "in_the_way", "cannot be written");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
  std::filesystem::remove_all(folder.path());
}

}  // namespace
