#include "steer/io/mapped_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "expect_error.hpp"
#include "steer/io/ds4.hpp"
#include "steer/io/gguf.hpp"
#include "steer/io/npy.hpp"
#include "steer/io/safetensors.hpp"
#include "temporary_file.hpp"

namespace {

std::string text_of(const steer::mapped_file& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

TEST(mapped_file, a_file_that_shrinks_keeps_the_bytes_that_were_read) {
  const std::string content(1'000'000, 'x');
  const temporary_file file(".bin", content);
  steer::mapped_file open(file.path());
  std::filesystem::resize_file(file.path(), 0);
  EXPECT_EQ(text_of(open), content);
  const steer::mapped_file moved(std::move(open));
  EXPECT_EQ(text_of(moved), content);
}

TEST(mapped_file, a_large_file_is_mapped) {
  const temporary_file file(".bin", "begin");
  const std::size_t size = std::size_t{1} << 38U;  // with a hole: more than there is memory
  std::error_code failure;
  std::filesystem::resize_file(file.path(), size, failure);
  if (failure) {
    GTEST_SKIP() << "no files with holes here: " << failure.message();
  }
  steer::mapped_file open(file.path());
  ASSERT_EQ(open.bytes().size(), size);
  EXPECT_EQ(static_cast<char>(open.bytes().front()), 'b');
  const steer::mapped_file moved(std::move(open));
  EXPECT_EQ(moved.bytes().back(), std::byte{0});
}

TEST(mapped_file, replaced_by_renaming_stays_whole) {
  const temporary_file file(".bin", "begin");
  std::filesystem::resize_file(file.path(), steer::mapped_file::most_read + 1);
  const steer::mapped_file open(file.path());
  const temporary_file other(".bin", "");
  std::filesystem::rename(other.path(), file.path());
  EXPECT_EQ(open.bytes().size(), steer::mapped_file::most_read + 1);
  EXPECT_EQ(static_cast<char>(open.bytes().front()), 'b');
}

TEST(mapped_file, refuses_what_is_no_file) {
  expect_error<steer::file_error>([] { steer::mapped_file{"no/such.bin"}; },
                                  "file no/such.bin does not exist or cannot be reached");
  expect_error<steer::file_error>([] { steer::mapped_file{std::filesystem::temp_directory_path()}; },
                                  "is a directory; expected a file");
  expect_error<steer::file_error>([] { steer::mapped_file{"/dev/null"}; }, "file /dev/null is not a regular file");
  expect_fields<steer::file_error>([] { steer::mapped_file{"no/such.bin"}; }, {.what = "file no/such.bin"});
}

TEST(mapped_file, refuses_what_has_nothing_in_it) {
  const temporary_file empty(".gguf", "");
  expect_error<steer::format_error>([&] { steer::mapped_file{empty.path()}; }, empty.path().string(), " is empty");
  const temporary_file pointer(".gguf",
                               "version https://git-lfs.github.com/spec/v1\n"
                               "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n");
  for (const auto& load : std::vector<std::function<void(const std::filesystem::path&)>>{
           [](const auto& path) { steer::gguf_file{path}; }, [](const auto& path) { steer::load_npy(path); },
           [](const auto& path) { steer::safetensors_file{path}; }, [](const auto& path) { steer::load_ds4(path, {}); }}) {
    expect_error<steer::format_error>([&] { load(pointer.path()); }, pointer.path().string(),
                                      "is a Git LFS pointer", "`git lfs pull` brings it");
  }
}

}  // namespace
