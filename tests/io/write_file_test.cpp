#include "steer/io/write_file.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <future>
#include <string>

#include "expect_error.hpp"
#include "temporary_file.hpp"

namespace {

using steer::require_writable;
using steer::write_file;
using std::filesystem::perms;

/// A folder that goes with the test.
struct folder : temporary_file {
  folder() { std::filesystem::create_directory(path()); }
  ~folder() { std::filesystem::remove_all(path()); }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;

  [[nodiscard]] std::filesystem::path operator/(const char* name) const { return path() / name; }
  [[nodiscard]] auto size() const { return std::distance(std::filesystem::directory_iterator(path()), {}); }
};

std::string content_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

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

TEST(write_file, follows_links) {
  const folder here;
  std::filesystem::create_directory(here / "elsewhere");
  write_file(here / "elsewhere/target.txt", {view("old")}, "text");
  std::filesystem::create_symlink("elsewhere/target.txt", here / "link");
  std::filesystem::create_symlink(here / "link", here / "link to link");
  std::filesystem::create_symlink("elsewhere/yet_to_come.txt", here / "dangling");
  for (const char* name : {"link", "link to link", "dangling"}) {
    require_writable(here / name, "text");
    write_file(here / name, {view(name)}, "text");
    EXPECT_TRUE(std::filesystem::is_symlink(here / name)) << name;
    EXPECT_EQ(content_of(here / name), name);
  }
  EXPECT_EQ(content_of(here / "elsewhere/target.txt"), "link to link");
  EXPECT_TRUE(std::filesystem::is_regular_file(std::filesystem::symlink_status(here / "elsewhere/yet_to_come.txt")));
  EXPECT_EQ(here.size(), 4);
  std::filesystem::create_symlink("in_a_circle", here / "in_a_circle");
  expect_error<steer::file_error>([&] { write_file(here / "in_a_circle", {view("x")}, "text"); },
                                  "in_a_circle cannot be written");
  EXPECT_TRUE(std::filesystem::is_symlink(here / "in_a_circle"));
}

TEST(write_file, keeps_the_mode) {
  const temporary_file file(".txt", "old");
  for (const perms mode : {perms{0600}, perms{0644}, perms{0751}, perms{02640}}) {
    std::filesystem::permissions(file.path(), mode);
    write_file(file.path(), {view("new")}, "text");
    EXPECT_EQ(std::filesystem::status(file.path()).permissions(), mode);
  }
  const temporary_file fresh(".txt");
  const mode_t mask = ::umask(027);
  write_file(fresh.path(), {view("new")}, "text");
  ::umask(mask);
  EXPECT_EQ(std::filesystem::status(fresh.path()).permissions(), perms{0640});
}

TEST(write_file, refuses_a_file_that_is_write_protected) {
  const temporary_file file(".txt", "old");
  std::filesystem::permissions(file.path(), perms{0444});
  if (::geteuid() == 0) {  // to whom nothing is
    write_file(file.path(), {view("new")}, "text");
    EXPECT_EQ(std::filesystem::status(file.path()).permissions(), perms{0444});
    return;
  }
  expect_error<steer::file_error>([&] { write_file(file.path(), {view("new")}, "text"); }, "Permission denied");
  expect_error<steer::file_error>([&] { require_writable(file.path(), "text"); }, "Permission denied");
  EXPECT_EQ(file.content(), "old");
}

TEST(write_file, writes_to_a_pipe) {
  const folder here;
  const std::filesystem::path pipe = here / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  require_writable(pipe, "text");
  auto read = std::async(std::launch::async, [&] { return content_of(pipe); });
  write_file(pipe, {view("through "), view("a pipe")}, "text");
  EXPECT_EQ(read.get(), "through a pipe");
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
  EXPECT_EQ(here.size(), 1);
}

TEST(write_file, does_not_wait_for_ever_for_who_reads_a_pipe) {
  const folder here;
  const std::filesystem::path pipe = here / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  expect_error<steer::file_error>([&] { write_file(pipe, {view("x")}, "text"); },
                                  "pipe cannot be written: No such device or address");
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
}

/// A device of the memory driver. Where we might break the system's own, as root, another node of it.
std::filesystem::path device(const folder& here, const char* name, unsigned minor) {
  const bool own = ::geteuid() == 0 && ::mknod((here / name).c_str(), S_IFCHR | 0600, makedev(1, minor)) == 0;
  return own ? here / name : std::filesystem::path("/dev") / name;
}

TEST(write_file, writes_to_devices) {
  const folder here;
  const std::filesystem::path null = device(here, "null", 3);
  require_writable(null, "text");
  write_file(null, {view("x")}, "text");
  EXPECT_TRUE(std::filesystem::is_character_file(null));
  std::filesystem::create_symlink(null, here / "nowhere");
  write_file(here / "nowhere", {view("x")}, "text");
  EXPECT_TRUE(std::filesystem::is_symlink(here / "nowhere"));
  EXPECT_TRUE(std::filesystem::is_character_file(null));
}

TEST(write_file, says_that_the_disk_is_full) {
  const folder here;
  const std::filesystem::path full = device(here, "full", 7);
  const std::string much(1'000'000, 'x');
  require_writable(full, "text");
  for (const std::string& content : {std::string("x"), much}) {
    expect_error<steer::file_error>([&] { write_file(full, {view(content)}, "text"); },
                                    "text: file " + full.string() + " cannot be written: No space left on device");
  }
  expect_fields<steer::file_error>([&] { write_file(full, {view(much)}, "text"); },
                                   {.what = "text: file " + full.string(), .actual = "No space left on device"});
  EXPECT_TRUE(std::filesystem::is_character_file(full));
}

/// Another program's view: what a child that prints, writes a file and prints again leaves in the file that it prints to.
std::string printed_by_a_child(const std::filesystem::path& standard_output, const std::filesystem::path& written) {
  const pid_t child = ::fork();
  if (child == 0) {
    const int out = ::open(standard_output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const bool moved = ::dup2(out, 1) == 1;
    bool done = moved && ::write(1, "before ", 7) == 7;
    try {
      write_file(written, {view("file ")}, "text");
    } catch (const steer::error&) {
      done = false;
    }
    done = ::write(1, "after", 5) == 5 && done;
    ::_exit(done ? 0 : 1);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  return status == 0 ? content_of(standard_output) : "failed";
}

TEST(write_file, does_not_replace_what_the_program_prints_to) {
  const folder here;
  std::filesystem::create_symlink("/proc/self/fd/1", here / "stdout");  // as /dev/stdout is one
  std::filesystem::create_directory_symlink("/proc/self/fd", here / "fd");
  for (const char* name : {"stdout", "fd/1"}) {
    EXPECT_EQ(printed_by_a_child(here / "out.txt", here / name), "before file after") << name;
    EXPECT_EQ(here.size(), 3);
  }
}

TEST(write_file, refuses_what_cannot_be_written_as_it_is) {
  const folder here;
  expect_error<steer::file_error>([&] { write_file(here.path(), {view("x")}, "text"); }, "cannot be written: Is a directory");
  expect_error<steer::file_error>([&] { require_writable(here.path(), "text"); }, "Is a directory");
  std::filesystem::create_symlink(here.path(), here / "folder");
  expect_error<steer::file_error>([&] { write_file(here / "folder", {view("x")}, "text"); }, "Is a directory");
  if (::mknod((here / "disk").c_str(), S_IFBLK | 0600, makedev(7, 250)) == 0) {  // root only; no such device is opened
    expect_error<steer::file_error>([&] { write_file(here / "disk", {view("x")}, "text"); },
                                    "disk cannot be written: it is neither a file nor a pipe");
    EXPECT_TRUE(std::filesystem::is_block_file(here / "disk"));
  }
}

TEST(write_file, is_refused_before_the_work_where_it_would_be_after_it) {
  const folder here;
  require_writable(here / "new.txt", "text");
  EXPECT_EQ(here.size(), 0) << "asking leaves nothing behind";
  write_file(here / "old.txt", {view("old")}, "text");
  require_writable(here / "old.txt", "text");
  EXPECT_EQ(content_of(here / "old.txt"), "old");
  EXPECT_EQ(here.size(), 1);
  expect_error<steer::file_error>([] { require_writable("no/such/folder/a.txt", "text"); },
                                  "text: file no/such/folder/a.txt cannot be written: No such file or directory");
  expect_error<steer::file_error>([] { require_writable("", "text"); }, "text: file  cannot be written");
  expect_error<steer::file_error>([&] { require_writable(here / "old.txt/x", "text"); }, "Not a directory");
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
