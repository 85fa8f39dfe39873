// steer/io/write_file.ipp: the bodies of write_file.hpp.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#if __has_include(<unistd.h>)
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/write_file.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// @param number  an errno, or 0 where `reason` says it
[[noreturn]] inline void refuse_output(const std::filesystem::path& path, std::string_view format, int number,
                                       std::string_view reason = "") {
  throw file_error(text({thing({format, ": file ", path.string()}), " cannot be written: ",
                         actual(number == 0 ? std::string(reason) : std::generic_category().message(number))}));
}

/// Where a path leads that is to be written.
struct output_place {
  std::filesystem::path path;
  std::filesystem::perms mode = std::filesystem::perms::unknown;  ///< of the file that stands there
  bool in_place = false;  ///< a device, a pipe or what this program has open: nothing may be put in its stead
};

/// Whether this is an open file of this program under the name that Linux gives it, as /dev/stdout leads to one.
template <class Real>
bool is_own_descriptor(const std::filesystem::path& path) {
  std::error_code none_there;
  return std::filesystem::equivalent(path.parent_path(), "/proc/self/fd", none_there);
}

/// Follows links, those to a file that is yet to come included.
/// @throws file_error for folders, sockets, block devices and files that are write-protected
template <class Real>
output_place find_output_place(const std::filesystem::path& path, std::string_view format) {
  using enum std::filesystem::file_type;
  std::error_code failure;
  const std::filesystem::file_status status = std::filesystem::status(path, failure);
  output_place out{.path = path};
  switch (status.type()) {
    case character:
    case fifo: out.in_place = true; break;
    case regular: out.mode = status.permissions(); break;
    case not_found:
      if (!path.has_filename()) {
        refuse_output(path, format, ENOENT);
      }
      break;
    case directory: refuse_output(path, format, EISDIR);
    case none: refuse_output(path, format, failure.value());
    default: refuse_output(path, format, 0, "it is neither a file nor a pipe");
  }
  for (int links = 0; std::filesystem::is_symlink(out.path, failure); ++links) {
    constexpr int most_links = 40;  // the system's own limit
    if (links == most_links) {
      refuse_output(path, format, ELOOP);
    }
    if (is_own_descriptor<Real>(out.path)) {
      out.in_place = true;
      return out;
    }
    out.path = out.path.parent_path() / std::filesystem::read_symlink(out.path, failure);
  }
#if __has_include(<unistd.h>)
  if (status.type() != not_found && ::access(path.c_str(), W_OK) != 0) {
    refuse_output(path, format, errno);
  }
#endif
  return out;
}

/// Opens a new file beside a place, and tells its name.
/// @return null, with errno, if none can be made there
template <class Real>
std::FILE* open_draft(const std::filesystem::path& place, std::filesystem::path& draft) {
  std::FILE* out = nullptr;
  for (int i = 0; i == 0 || (out == nullptr && errno == EEXIST && i < 1000); ++i) {
    draft = place;
    draft += "." + std::to_string(i) + ".part";
    out = std::fopen(draft.string().c_str(), "wbx");  // x: nobody else's file
  }
  return out;
}

/// Opens what is written as it is. A pipe needs somebody who reads it: waits for them a few seconds, not for ever.
/// @return null, with errno, if it cannot be written
template <class Real>
std::FILE* open_in_place(const std::filesystem::path& place) {
#if __has_include(<unistd.h>)
  int opened = -1;
  if (is_own_descriptor<Real>(place)) {
    opened = ::dup(std::atoi(place.filename().c_str()));  // opened anew, it would be written from its begin
  } else {
    constexpr int tries = 200;
    for (int i = 0; i < tries && opened < 0 && (i == 0 || errno == ENXIO); ++i) {
      ::usleep(i == 0 ? 0 : 10'000);
      opened = ::open(place.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    }
    if (opened >= 0) {
      ::fcntl(opened, F_SETFL, 0);
    }
  }
  return opened < 0 ? nullptr : ::fdopen(opened, "wb");
#else
  return std::fopen(place.string().c_str(), "wb");
#endif
}

/// Writes all parts and closes the file; with `durable` they are on the disk afterwards.
/// @return 0 or an errno
template <class Real>
int write_and_close(std::FILE* out, std::span<const std::span<const std::byte>> parts, bool durable) {
  int failure = 0;
  const auto keep = [&failure](bool done) { failure = failure == 0 && !done ? errno : failure; };
  for (const std::span<const std::byte> part : parts) {
    keep(part.empty() || failure != 0 || std::fwrite(part.data(), 1, part.size(), out) == part.size());
  }
  keep(std::fflush(out) == 0);
#if __has_include(<unistd.h>)
  keep(!durable || failure != 0 || ::fsync(::fileno(out)) == 0 || errno == EINVAL);  // EINVAL: not a disk
#endif
  keep(std::fclose(out) == 0);
  return failure;
}

/// Gives a new file the owner and mode of the one that it is to replace.
/// @return 0 or an errno
template <class Real>
int take_after(const output_place& place, const std::filesystem::path& draft) {
  if (place.mode == std::filesystem::perms::unknown) {
    return 0;  // there is none
  }
#if __has_include(<unistd.h>)
  struct stat old {};
  if (::stat(place.path.c_str(), &old) == 0) {  // only root may give a file away; else it stays ours
    [[maybe_unused]] const int given = ::chown(draft.c_str(), old.st_uid, old.st_gid);
  }
#endif
  std::error_code failure;
  std::filesystem::permissions(draft, place.mode, failure);
  return failure.value();
}

/// A file's new name is on the disk when its folder is, where the system lets one ask.
template <class Real>
void sync_folder([[maybe_unused]] const std::filesystem::path& file) {
#if __has_include(<unistd.h>)
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  if (const int opened = ::open(folder.c_str(), O_RDONLY | O_CLOEXEC); opened >= 0) {
    ::fsync(opened);
    ::close(opened);
  }
#endif
}

}  // namespace detail


STEER_BODY void require_writable(const std::filesystem::path& path, std::string_view format) {
  const detail::output_place place = detail::find_output_place<Real>(path, format);
  if (place.in_place) {
    return;
  }
  std::filesystem::path draft;
  std::FILE* out = detail::open_draft<Real>(place.path, draft);
  if (out == nullptr) {
    detail::refuse_output(path, format, errno);
  }
  std::fclose(out);
  std::filesystem::remove(draft);
}

STEER_BODY void write_file(const std::filesystem::path& path, std::span<const std::span<const std::byte>> parts,
                       std::string_view format) {
  const detail::output_place place = detail::find_output_place<Real>(path, format);
  std::filesystem::path draft = place.path;
  std::FILE* out = place.in_place ? detail::open_in_place<Real>(place.path) : detail::open_draft<Real>(place.path, draft);
  if (out == nullptr) {
    detail::refuse_output(path, format, errno);
  }
  int failure = place.in_place ? 0 : detail::take_after<Real>(place, draft);  // before there is anything to read in it
  const int unwritten = detail::write_and_close<Real>(out, parts, !place.in_place);
  failure = failure == 0 ? unwritten : failure;
  std::error_code problem;
  if (!place.in_place && failure == 0) {
    std::filesystem::rename(draft, place.path, problem);
    failure = problem.value();
  }
  if (failure != 0) {
    if (!place.in_place) {
      std::filesystem::remove(draft, problem);
    }
    detail::refuse_output(path, format, failure);
  }
  if (!place.in_place) {
    detail::sync_folder<Real>(place.path);
  }
}

STEER_BODY void write_file(const std::filesystem::path& path, std::initializer_list<std::span<const std::byte>> parts,
                       std::string_view format) {
  write_file(path, std::span(parts.begin(), parts.size()), format);
}

}  // namespace v0
}  // namespace steer
