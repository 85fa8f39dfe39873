// steer/serve/audit_trail.hpp: who loaded, activated or was refused what, and when. Opt-in: component `safetensors`.
//
// One JSON object a line (here broken), each with the SHA-256 of the line before it:
//
//     {"sequence":1,"time":"2026-01-31T23:59:59.000Z","who":"operator alice","what":"loaded","subject":"terse@3",
//      "digest":"22ae...","why":"","previous":"0000..."}
//
// What is beyond ASCII is escaped, as JSON does it, so that no text hides or reorders what a terminal shows. A text that is no
// UTF-8, as the name of a file may be, stands as {"percent_encoded":"a%FF.safetensors"} in place of the string: each byte that is
// not printable ASCII, and the percent sign, as % and two hexadecimal digits in upper case.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {

/// What happened. All are texts of any bytes, and each comes back as it was.
struct audit_entry {
  std::string who = {};      ///< "operator alice", "request 17"
  std::string what = {};     ///< "loaded", "activated", "rolled_back", "refused"
  std::string subject = {};  ///< what it was done to: "terse@3", a file
  std::string digest = {};   ///< SHA-256 of the subject, or empty
  std::string why = {};      ///< of a refusal

  bool operator==(const audit_entry&) const = default;
};

/// An entry and its place.
struct audit_line {
  std::uint64_t sequence = 0;  ///< counted from 1
  std::string time = {};       ///< UTC, RFC 3339 with milliseconds: "2026-01-31T23:59:59.000Z"
  audit_entry entry = {};
  std::string hash = {};       ///< SHA-256 of the line without its line end, 64 hexadecimal digits

  bool operator==(const audit_line&) const = default;
};

/// What stands for the hash of a line before the first.
inline constexpr std::string_view no_audit_hash = "0000000000000000000000000000000000000000000000000000000000000000";

/// A line and its hash: all up to there is fixed by it. Keep it where whoever can write the file cannot.
struct audit_head {
  std::uint64_t line = 0;  ///< counted from 1; 0: before the first
  std::string hash = std::string(no_audit_hash);

  bool operator==(const audit_head&) const = default;
};

enum class audit_sync : std::uint8_t {
  to_disk,   ///< a line is on the disk when `append` returns
  by_system  ///< whenever the system stores it: a power cut may cost the last lines
};

struct audit_options {
  audit_sync sync = audit_sync::to_disk;
  std::function<std::chrono::system_clock::time_point()> now = {};  ///< empty: the system's clock
};

/// Writes a trail. While it lives the file is locked against another writer, here or in another process; readers are free.
///
/// A file that is there is checked from its first line to its last and then continued; one that is broken or cut off is refused
/// as it is. A new one has mode 0600. Links to a file are followed; a folder, a pipe or a device is refused.
///
/// Times never go back: where the clock does, the last line's time is written again. Any number of threads may call.
///
/// @throws file_error if the file cannot be opened, read or locked, or is no regular file; what `visit_audit` throws
/// @cost   of opening: as `visit_audit`
class audit_trail {
 public:
  explicit audit_trail(std::filesystem::path path, audit_options options = {})
      : path_(std::move(path)), options_(std::move(options)) {
    open();
  }
  audit_trail(const audit_trail&) = delete;
  audit_trail& operator=(const audit_trail&) = delete;
  ~audit_trail() { close(); }

  /// Adds a line, with one write. A line that cannot be written whole is taken back, so that the trail stays sound; if that
  /// fails, or the disk, it takes no more lines.
  ///
  /// @return the line, to be kept elsewhere
  /// @throws file_error if it cannot be written, or if the file has been changed, moved, replaced or removed by somebody
  ///         else; argument_error if the line would be longer than `longest_audit_line`. Nothing was added then: what was to be
  ///         done should not be done
  /// @cost   the disk's time to store it, or some 10 microseconds if that is left to the system
  STEER_API audit_head append(const audit_entry& entry);

  /// The hash of the last line.
  STEER_API [[nodiscard]] std::string head() const;
  STEER_API [[nodiscard]] std::uint64_t lines() const;

 private:
  STEER_API void open();
  STEER_API void close() noexcept;
  STEER_API void require_own_file() const;
  STEER_API void write(std::string_view line);
  STEER_API [[nodiscard]] std::string time_now() const;

  std::filesystem::path path_;  // from the root, wherever the program goes
  audit_options options_;
  mutable std::mutex mutex_;
  int file_ = -1;
  std::uint64_t size_ = 0;  // bytes in the file
  audit_head head_;
  std::string last_time_;
  std::string broken_;  // why no more lines are taken
};

/// Bytes of a line without its end; what is longer is neither written nor read.
inline constexpr std::size_t longest_audit_line = std::size_t{1} << 20U;

/// What a trail holds, without its entries.
struct audit_report {
  std::uint64_t lines = 0;
  std::string head = std::string(no_audit_hash);  ///< the hash of the last line
  std::string first_time = {};                    ///< empty where there is no line
  std::string last_time = {};
  std::map<std::string, std::uint64_t> counts = {};  ///< lines by their `what`

  bool operator==(const audit_report&) const = default;
};

/// Checks a trail and shows each line to `visit` once it and all before it are known to be sound.
///
/// Each line is checked by the one after it, so a line that was changed, removed, moved or inserted shows, but for the last: a
/// chain that was cut off at a line's end, whose last line was changed, or that was written anew as a whole, is a sound chain.
/// Only who has kept a head elsewhere sees that, see `require_head`.
///
/// A trail that somebody writes may be checked meanwhile; a line that is half written at that moment counts as cut off.
///
/// @throws file_error if the file cannot be read or is no regular file; format_error naming the file, the line, expected and
///         actual for a line that is no JSON object, lacks a key, has one twice or another one, a value of another type, a wrong
///         sequence or previous, a time that is none or goes back, for one that is too long, or the last without a line end
/// @cost   one pass, some 10 microseconds a line; the memory of one line, however many there are
STEER_API void visit_audit(const std::filesystem::path& path, const std::function<void(const audit_line&)>& visit);

/// The same of a file's bytes; `name` stands for the file in messages.
STEER_API void visit_audit(std::span<const std::byte> bytes, std::string name,
                           const std::function<void(const audit_line&)>& visit);

/// Checks a trail. An empty file is one without lines.
/// @throws what `visit_audit` throws
/// @cost   as `visit_audit`, and the memory of the different `what`
STEER_API audit_report check_audit(const std::filesystem::path& path);

/// The same of a file's bytes; `name` stands for the file in messages.
STEER_API audit_report parse_audit(std::span<const std::byte> bytes, std::string name);

/// Checks a trail against a head that was kept elsewhere: the line is still there and has that hash, so all up to it is what it
/// was when the head was kept. It may have grown since: what was added is known to be a sound chain, and no more than that.
///
/// @throws what `visit_audit` throws; format_error if the line is missing, so that the trail was cut off, or has another hash;
///         argument_error if the head's hash is not 64 hexadecimal digits in lower case
/// @cost   as `check_audit`
STEER_API audit_report require_head(const std::filesystem::path& path, const audit_head& kept);

/// The same of a file's bytes; `name` stands for the file in messages.
STEER_API audit_report require_head(std::span<const std::byte> bytes, std::string name, const audit_head& kept);

namespace detail {

/// A line as it is written, without its end; its hash is not looked at.
STEER_API std::string audit_text(const audit_line& line, std::string_view previous);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/serve/audit_trail.ipp"
#endif
