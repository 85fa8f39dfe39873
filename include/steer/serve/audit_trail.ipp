// steer/serve/audit_trail.ipp: the bodies of audit_trail.hpp.
#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <nlohmann/json.hpp>

#if __has_include(<sys/file.h>)
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#else
#include <fstream>
#endif

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/json_fields.hpp"
#include "steer/io/json_number.hpp"
#include "steer/io/safetensors.hpp"
#include "steer/io/sha256.hpp"
#include "steer/serve/audit_trail.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

inline std::string audit_file_name(std::string_view name) { return text({"audit: file ", name}); }

/// @param number  an errno
[[noreturn]] inline void refuse_audit_file(const std::filesystem::path& path, std::string_view what, int number) {
  throw file_error(text({thing(audit_file_name(path.string())), " cannot be ", what, ": ",
                         actual(std::generic_category().message(number))}));
}

template <class Real>
std::string audit_hash(std::string_view line) {
  sha256 digest;
  digest.update(std::as_bytes(std::span(line)));
  return digest.hex();
}

// ---- texts that are no UTF-8 --------------------------------------------------------------------------------------------

inline constexpr std::string_view audit_encoded_key = "percent_encoded";

template <class Real>
bool is_utf8(const std::string& written) {
  try {
    static_cast<void>(dependent_type<Real, nlohmann::json>(written).dump());
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

inline std::string percent_encoded(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte > 0x7E || c == '%') {
      out += {'%', digits[byte >> 4U], digits[byte & 0xFU]};
    } else {
      out += c;
    }
  }
  return out;
}

/// @return nothing if this is not how `percent_encoded` writes it
inline std::optional<std::string> percent_decoded(std::string_view written) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (std::size_t i = 0; i < written.size(); ++i) {
    if (written[i] != '%') {
      out += written[i];
      continue;
    }
    const std::size_t high = i + 2 < written.size() ? digits.find(written[i + 1]) : digits.npos;
    const std::size_t low = i + 2 < written.size() ? digits.find(written[i + 2]) : digits.npos;
    if (high == digits.npos || low == digits.npos) {
      return std::nullopt;
    }
    out += static_cast<char>(16 * high + low);
    i += 2;
  }
  return percent_encoded(out) == written ? std::optional(out) : std::nullopt;
}

template <class Real>
nlohmann::ordered_json audit_value(const std::string& written) {
  if (is_utf8<Real>(written)) {
    return written;
  }
  nlohmann::ordered_json out;
  out[std::string(audit_encoded_key)] = percent_encoded(written);
  return out;
}

template <class Real>
std::string audit_text_of(const nlohmann::json& written, const std::string& who, std::string_view name) {
  if (written.is_string()) {
    return written.template get<std::string>();
  }
  const auto encoded = written.is_object() ? written.find(audit_encoded_key) : written.end();
  if (encoded != written.end() && written.size() == 1 && encoded->is_string()) {
    const std::optional<std::string> out = percent_decoded(encoded->template get_ref<const std::string&>());
    if (out && !is_utf8<Real>(*out)) {  // which would be a string: there is one way to write a text
      return *out;
    }
  }
  throw format_error(text({thing(who), " has ", name, " ", actual(shown(written)), "; expected ",
                           expected({"a string, or an object with ", audit_encoded_key, " where it is no UTF-8"})}));
}

// ---- time ---------------------------------------------------------------------------------------------------------------

inline void append_digits(std::string& out, std::int64_t number, std::size_t width, std::string_view after) {
  const std::string digits = std::to_string(number);
  out.append(width - std::min(width, digits.size()), '0').append(digits).append(after);
}

/// Years that four digits do not hold become the first or the last instant that they do.
template <class Real>
std::string audit_time(std::chrono::system_clock::time_point time) {
  namespace chrono = std::chrono;
  using chrono::milliseconds;
  using instant = chrono::sys_time<milliseconds>;
  const instant first = chrono::sys_days{chrono::year{0} / chrono::January / 1};
  const instant last = instant(chrono::sys_days{chrono::year{10000} / chrono::January / 1}) - milliseconds{1};
  const instant at = std::clamp(chrono::floor<milliseconds>(time), first, last);
  const chrono::sys_days day = chrono::floor<chrono::days>(at);
  const chrono::year_month_day date{day};
  const chrono::hh_mm_ss<milliseconds> clock{at - day};
  std::string out;
  append_digits(out, static_cast<int>(date.year()), 4, "-");
  append_digits(out, static_cast<unsigned>(date.month()), 2, "-");
  append_digits(out, static_cast<unsigned>(date.day()), 2, "T");
  append_digits(out, clock.hours().count(), 2, ":");
  append_digits(out, clock.minutes().count(), 2, ":");
  append_digits(out, clock.seconds().count(), 2, ".");
  append_digits(out, clock.subseconds().count(), 3, "Z");
  return out;
}

template <class Real>
bool is_audit_time(std::string_view written) {
  constexpr std::string_view pattern = "0000-00-00T00:00:00.000Z";
  const bool fits = std::equal(written.begin(), written.end(), pattern.begin(), pattern.end(), [](char c, char wanted) {
    return wanted == '0' ? c >= '0' && c <= '9' : c == wanted;
  });
  if (!fits) {
    return false;
  }
  const auto number = [&](std::size_t first, std::size_t count) {
    unsigned out = 0;
    for (const char c : written.substr(first, count)) {
      out = 10 * out + static_cast<unsigned>(c - '0');
    }
    return out;
  };
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(number(0, 4))), std::chrono::month(number(5, 2)),
                                         std::chrono::day(number(8, 2)));
  return date.ok() && number(11, 2) < 24 && number(14, 2) < 60 && number(17, 2) < 60;
}

// ---- reading ------------------------------------------------------------------------------------------------------------

/// Checks a trail that arrives in pieces.
class audit_reader {
 public:
  audit_reader(std::string name, const std::function<void(const audit_line&)>& visit)
      : name_(std::move(name)), visit_(visit) {}

  template <class Real>
  void take(std::string_view bytes) {
    for (std::size_t end = bytes.find('\n'); end != bytes.npos; end = bytes.find('\n')) {
      begin(bytes.substr(0, end));
      take_line<Real>(begun_);
      size_ += begun_.size() + 1;
      begun_.clear();
      bytes.remove_prefix(end + 1);
    }
    begin(bytes);
  }

  void finish() const {
    if (!begun_.empty()) {
      throw format_error(text({thing(who()), " has ", actual({begun_.size(), " bytes and no line end"}), "; expected ",
                               expected("a line end"), ": it is cut off, and the last whole line ends at byte ", size_}));
    }
  }

  [[nodiscard]] const audit_head& head() const noexcept { return head_; }
  [[nodiscard]] const std::string& last_time() const noexcept { return last_time_; }
  /// Bytes of all whole lines.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

 private:
  [[nodiscard]] std::string who() const { return text({audit_file_name(name_), ", line ", head_.line + 1}); }

  void begin(std::string_view part) {
    if (part.size() > longest_audit_line - begun_.size()) {
      throw format_error(text({thing(who()), " has ", actual({"more than ", longest_audit_line, " bytes"}), "; expected ",
                               expected({"at most ", longest_audit_line})}));
    }
    begun_ += part;
  }

  template <class Real>
  void take_line(std::string_view written) {
    const std::string who = this->who();
    const nlohmann::json object = strict_json(written, who);
    require_keys(object, {"sequence", "time", "who", "what", "subject", "digest", "why", "previous"}, who);
    const auto at = [&](const char* key) -> const auto& {
      const auto found = object.find(key);
      if (found == object.end()) {
        throw format_error(text({thing(who), " has no ", expected({"\"", key, "\""})}));
      }
      return *found;
    };
    const auto text_at = [&](const char* key) { return audit_text_of<Real>(at(key), who, key); };
    const auto sequence = whole_number_of<std::uint64_t>(at("sequence"), who, "sequence");
    if (sequence != head_.line + 1) {
      throw format_error(text({thing(who), " has sequence ", actual(sequence), "; expected ", expected(head_.line + 1),
                               ": a line is missing, moved or inserted"}));
    }
    if (const nlohmann::json& previous = at("previous"); previous != head_.hash) {
      throw format_error(text({thing(who), " has previous ", actual(shown(previous)), "; expected ",
                               expected({"\"", head_.hash, "\""}), ": this line or the one before is not the one that was written"}));
    }
    audit_line line{.sequence = sequence,
                    .time = text_at("time"),
                    .entry = {.who = text_at("who"),
                              .what = text_at("what"),
                              .subject = text_at("subject"),
                              .digest = text_at("digest"),
                              .why = text_at("why")},
                    .hash = audit_hash<Real>(written)};
    if (!is_audit_time<Real>(line.time)) {
      throw format_error(text({thing(who), " has time ", actual(shown(at("time"))), "; expected ",
                               expected("one like \"2026-01-31T23:59:59.000Z\"")}));
    }
    if (line.time < last_time_) {
      throw format_error(text({thing(who), " has time ", actual(line.time), "; expected ", expected(last_time_),
                               " or later: time goes back"}));
    }
    if (visit_) {
      visit_(line);
    }
    head_ = {.line = sequence, .hash = std::move(line.hash)};
    last_time_ = std::move(line.time);
  }

  std::string name_;  // of the file
  const std::function<void(const audit_line&)>& visit_;
  std::string begun_;  // of a line
  std::uint64_t size_ = 0;
  audit_head head_;
  std::string last_time_;
};

#if __has_include(<sys/file.h>)

/// A file of a trail that is open, until somebody takes it.
class audit_descriptor {
 public:
  /// @param purpose  what it cannot be if it cannot be opened: "read"
  /// @throws file_error if it is no regular file, or as the system says
  audit_descriptor(const std::filesystem::path& path, int flags, std::string_view purpose) {
    require_regular(path);  // to open a device may already do something
    number_ = ::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, S_IRUSR | S_IWUSR);
    struct stat status {};
    if (number_ < 0 || ::fstat(number_, &status) != 0) {
      refuse_audit_file(path, purpose, errno);
    }
    if (!S_ISREG(status.st_mode)) {
      close();
      refuse_kind(path, "another kind");
    }
  }
  audit_descriptor(const audit_descriptor&) = delete;
  audit_descriptor& operator=(const audit_descriptor&) = delete;
  ~audit_descriptor() { close(); }

  [[nodiscard]] int number() const noexcept { return number_; }
  [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }

 private:
  [[noreturn]] static void refuse_kind(const std::filesystem::path& path, std::string_view kind) {
    throw file_error(text({thing(audit_file_name(path.string())), " is ", actual(kind), "; expected ", expected("a regular file")}));
  }
  static void require_regular(const std::filesystem::path& path) {
    using enum std::filesystem::file_type;
    std::error_code none_there;  // `open` says what is wrong then
    switch (std::filesystem::status(path, none_there).type()) {
      case none:
      case not_found:
      case regular: return;
      case directory: refuse_kind(path, "a directory");
      case fifo: refuse_kind(path, "a pipe");
      default: refuse_kind(path, "a device or a socket");
    }
  }
  void close() noexcept {
    if (number_ >= 0) {
      ::close(release());
    }
  }

  int number_ = -1;
};

template <class Real>
void read_audit(int file, const std::filesystem::path& path, audit_reader& reader) {
  std::vector<char> piece(std::size_t{1} << 16U);
  for (;;) {
    const ::ssize_t count = ::read(file, piece.data(), piece.size());
    if (count < 0 && errno != EINTR) {
      refuse_audit_file(path, "read", errno);
    }
    if (count == 0) {
      break;
    }
    reader.take<Real>({piece.data(), static_cast<std::size_t>(std::max<::ssize_t>(count, 0))});
  }
  reader.finish();
}

/// A file's name is on the disk when its folder is, where the system lets one ask.
template <class Real>
void sync_audit_folder(const std::filesystem::path& file) {
  if (const int folder = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
}

/// Calls until no signal interrupts it.
/// @return 0 or an errno
template <class Call>
int audit_errno(Call call) {
  while (call() != 0) {
    if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

/// @return 0 or an errno
template <class Real>
int write_audit(int file, std::string_view line) {
  while (!line.empty()) {  // the second time only to hear why the first did not take all
    const ::ssize_t count = ::write(file, line.data(), line.size());
    if (count == 0 || (count < 0 && errno != EINTR)) {
      return count == 0 ? ENOSPC : errno;
    }
    line.remove_prefix(static_cast<std::size_t>(std::max<::ssize_t>(count, 0)));
  }
  return 0;
}

#endif

/// @param visit_all  shows each line of the trail to what it is given
template <class Real, class VisitAll>
audit_report audit_report_of(VisitAll visit_all) {
  audit_report out;
  visit_all([&out](const audit_line& line) {
    out.lines = line.sequence;
    out.head = line.hash;
    out.first_time = out.first_time.empty() ? line.time : out.first_time;
    out.last_time = line.time;
    ++out.counts[line.entry.what];
  });
  return out;
}

/// @param visit_all  shows each line of the trail to what it is given
template <class Real, class VisitAll>
audit_report audit_report_with(const audit_head& kept, std::string_view name, VisitAll visit_all) {
  const std::string file = audit_file_name(name);
  if (kept.hash.size() != no_audit_hash.size() || kept.hash.find_first_not_of("0123456789abcdef") != kept.hash.npos) {
    throw argument_error(text({thing("audit: the head that was kept"), " has hash ", actual({"\"", kept.hash, "\""}),
                               "; expected ", expected("64 hexadecimal digits in lower case")}));
  }
  const auto require = [&](std::uint64_t line, std::string_view hash) {
    if (line == kept.line && hash != kept.hash) {
      throw format_error(text({thing({file, ", line ", line}), " has hash ", actual(hash), "; expected ", expected(kept.hash),
                               " as it was kept: this line or one before was changed since"}));
    }
  };
  require(0, no_audit_hash);
  audit_report out = audit_report_of<Real>([&](const auto& count) {
    visit_all([&](const audit_line& line) {
      require(line.sequence, line.hash);
      count(line);
    });
  });
  if (out.lines < kept.line) {
    throw format_error(text({thing(file), " has ", actual(out.lines), " lines; expected ", expected({"at least ", kept.line}),
                             " as it was kept: its end was cut off"}));
  }
  return out;
}

STEER_BODY std::string audit_text(const audit_line& line, std::string_view previous) {
  nlohmann::ordered_json out;
  out["sequence"] = line.sequence;
  out["time"] = line.time;
  out["who"] = audit_value<Real>(line.entry.who);
  out["what"] = audit_value<Real>(line.entry.what);
  out["subject"] = audit_value<Real>(line.entry.subject);
  out["digest"] = audit_value<Real>(line.entry.digest);
  out["why"] = audit_value<Real>(line.entry.why);
  out["previous"] = previous;
  constexpr bool ascii = true;
  return out.dump(-1, ' ', ascii);
}

}  // namespace detail

// ---- checking -----------------------------------------------------------------------------------------------------------

STEER_BODY void visit_audit(std::span<const std::byte> bytes, std::string name,
                            const std::function<void(const audit_line&)>& visit) {
  detail::audit_reader reader(std::move(name), visit);
  reader.template take<Real>({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  reader.finish();
}

STEER_BODY void visit_audit(const std::filesystem::path& path, const std::function<void(const audit_line&)>& visit) {
  detail::audit_reader reader(path.string(), visit);
#if __has_include(<sys/file.h>)
  const detail::audit_descriptor file(path, O_RDONLY, "read");
  detail::read_audit<Real>(file.number(), path, reader);
#else
  std::ifstream in(path, std::ios::binary);
  std::vector<char> piece(std::size_t{1} << 16U);
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0) {
    reader.template take<Real>({piece.data(), static_cast<std::size_t>(in.gcount())});
  }
  if (!in.eof()) {
    detail::refuse_audit_file(path, "read", EIO);
  }
  reader.finish();
#endif
}

STEER_BODY audit_report check_audit(const std::filesystem::path& path) {
  return detail::audit_report_of<Real>([&](const auto& visit) { visit_audit(path, visit); });
}

STEER_BODY audit_report parse_audit(std::span<const std::byte> bytes, std::string name) {
  return detail::audit_report_of<Real>([&](const auto& visit) { visit_audit(bytes, std::move(name), visit); });
}

STEER_BODY audit_report require_head(const std::filesystem::path& path, const audit_head& kept) {
  return detail::audit_report_with<Real>(kept, path.string(), [&](const auto& visit) { visit_audit(path, visit); });
}

STEER_BODY audit_report require_head(std::span<const std::byte> bytes, std::string name, const audit_head& kept) {
  return detail::audit_report_with<Real>(kept, name, [&](const auto& visit) { visit_audit(bytes, name, visit); });
}

// ---- writing ------------------------------------------------------------------------------------------------------------

STEER_BODY std::string audit_trail::head() const {
  const std::lock_guard one_at_a_time(mutex_);
  return head_.hash;
}

STEER_BODY std::uint64_t audit_trail::lines() const {
  const std::lock_guard one_at_a_time(mutex_);
  return head_.line;
}

STEER_BODY std::string audit_trail::time_now() const {
  return std::max(detail::audit_time<Real>(options_.now ? options_.now() : std::chrono::system_clock::now()), last_time_);
}

STEER_BODY audit_head audit_trail::append(const audit_entry& entry) {
  const std::lock_guard one_at_a_time(mutex_);
  require_own_file();
  const audit_line line{.sequence = head_.line + 1, .time = time_now(), .entry = entry};
  std::string written = detail::audit_text(line, head_.hash);
  if (written.size() > longest_audit_line) {
    throw argument_error(text({thing(detail::audit_file_name(path_.string())), ": an entry by ", entry.who.substr(0, 100),
                               " makes a line of ", actual(written.size()), " bytes; expected ",
                               expected({"at most ", longest_audit_line})}));
  }
  audit_head out{.line = line.sequence, .hash = detail::audit_hash<Real>(written)};
  audit_head next = out;
  std::string time = line.time;
  written += '\n';
  write(written);  // from here on nothing throws
  size_ += written.size();
  std::swap(head_, next);
  last_time_.swap(time);
  return out;
}

#if __has_include(<sys/file.h>)

STEER_BODY void audit_trail::open() {
  std::error_code nowhere;  // the program's folder is gone: the path may do as it is
  const std::filesystem::path absolute = std::filesystem::absolute(path_, nowhere);
  path_ = nowhere ? path_ : absolute;
  detail::audit_descriptor file(path_, O_RDWR | O_APPEND | O_CREAT, "opened");
  const int failure = detail::audit_errno([&] { return ::flock(file.number(), LOCK_EX | LOCK_NB); });
  if (failure == EWOULDBLOCK) {
    throw file_error(text({thing(detail::audit_file_name(path_.string())), " is ", actual("locked by another writer"),
                           ", in this process or another; expected ", expected("one writer")}));
  }
  if (failure != 0) {
    detail::refuse_audit_file(path_, "locked", failure);
  }
  const std::function<void(const audit_line&)> nobody;
  detail::audit_reader reader(path_.string(), nobody);
  detail::read_audit<Real>(file.number(), path_, reader);
  if (reader.size() == 0 && options_.sync == audit_sync::to_disk) {
    detail::sync_audit_folder<Real>(path_);
  }
  size_ = reader.size();
  head_ = reader.head();
  last_time_ = reader.last_time();
  file_ = file.release();
}

STEER_BODY void audit_trail::close() noexcept {
  if (file_ >= 0) {
    ::close(file_);
  }
}

STEER_BODY void audit_trail::require_own_file() const {
  const auto who = [&] { return detail::audit_file_name(path_.string()); };
  if (!broken_.empty()) {
    throw file_error(text({thing(who()), " takes no more lines: ", actual(broken_)}));
  }
  struct stat ours {};
  if (::fstat(file_, &ours) != 0) {
    detail::refuse_audit_file(path_, "written", errno);
  }
  if (std::cmp_not_equal(ours.st_size, size_)) {
    throw file_error(text({thing(who()), " has ", actual(static_cast<long long>(ours.st_size)), " bytes; expected ", expected(size_),
                           ": somebody else has written to it"}));
  }
  struct stat there {};
  const bool found = ::stat(path_.c_str(), &there) == 0;
  // Who has given up the right to look into the folder may still write.
  if (found ? there.st_dev != ours.st_dev || there.st_ino != ours.st_ino : errno == ENOENT) {
    throw file_error(text({thing(who()), " is ", actual(found ? "another file" : "not there any more"), "; expected ",
                           expected("the one that was opened")}));
  }
}

STEER_BODY void audit_trail::write(std::string_view line) {
  int failure = detail::write_audit<Real>(file_, line);
  bool stored = true;
  if (failure == 0 && options_.sync == audit_sync::to_disk) {
    failure = detail::audit_errno([&] { return ::fdatasync(file_); });
    failure = failure == EINVAL ? 0 : failure;  // not a disk
    stored = failure == 0;
  }
  if (failure == 0) {
    return;
  }
  const std::string reason = std::generic_category().message(failure);
  const int uncut = detail::audit_errno([&] { return ::ftruncate(file_, static_cast<::off_t>(size_)); });
  if (!stored) {
    broken_ = text({"what is on the disk is not known since it failed: ", reason});
  }
  if (uncut != 0) {
    broken_ = text({"a line was not written whole (", reason, ") and could not be taken back (",
                    std::generic_category().message(uncut), "); the last whole line ends at byte ", size_});
  }
  detail::refuse_audit_file(path_, "written", failure);
}

#else

STEER_BODY void audit_trail::open() {
  throw file_error(text({thing(detail::audit_file_name(path_.string())), " cannot be opened: ",
                         actual("no file locks are known for this system")}));
}
STEER_BODY void audit_trail::close() noexcept {}
STEER_BODY void audit_trail::require_own_file() const {}
STEER_BODY void audit_trail::write(std::string_view) {}

#endif

}  // namespace v0
}  // namespace steer
