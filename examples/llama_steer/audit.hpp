// llama_steer/audit.hpp: writes down what commands did, and checks what was written down.
#pragma once

#include <pwd.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "llama_steer/parse.hpp"
#include "llama_steer/printable.hpp"
#include "steer/serve/audit_trail.hpp"

namespace llama_steer {

/// Where a command writes down what it does.
struct trail_options {
  std::filesystem::path audit = {};  ///< empty: nowhere
  std::string who = {};              ///< empty: the user's name from the system
};

/// The name of the user whose rights the program has.
inline std::string user_name() {
  const passwd* const known = getpwuid(geteuid());
  return known != nullptr ? std::string(known->pw_name) : std::string(steer::text({"user ", geteuid()}));
}

/// An audit trail, or nothing where none is wanted.
class trail {
 public:
  /// @throws as `steer::audit_trail`
  explicit trail(const trail_options& o)
      : who_(o.who.empty() ? user_name() : o.who), file_(o.audit.empty() ? nullptr : std::make_shared<steer::audit_trail>(o.audit)) {}

  /// Before it takes effect: what cannot be written down is not done.
  /// @throws as `append`
  void write(const char* what, const std::string& subject, const std::string& digest, const std::string& why = {}) const {
    if (file_ != nullptr) {
      file_->append({.who = who_, .what = what, .subject = subject, .digest = digest, .why = why});
    }
  }

  [[nodiscard]] const std::string& who() const noexcept { return who_; }
  [[nodiscard]] std::shared_ptr<steer::audit_trail> file() const noexcept { return file_; }

 private:
  std::string who_;
  std::shared_ptr<steer::audit_trail> file_;
};

/// Options of `audit`.
struct audit_options {
  std::filesystem::path file = {};
  std::string head = {};  ///< LINE:HASH that was kept elsewhere; empty: none
  bool show = false;      ///< print each line
};

/// "12:9f86...": a line and its hash.
/// @throws steer::argument_error if it is none
inline steer::audit_head parse_head(const std::string& written) {
  const std::size_t colon = written.find(':');
  if (colon == std::string::npos) {
    throw steer::argument_error(steer::text({"--head \"", steer::actual(written), "\": expected ", steer::expected("LINE:HASH, as audit prints it")}));
  }
  return {static_cast<std::uint64_t>(parse_whole(std::string_view(written).substr(0, colon), "--head " + written + ": the line", 0,
                                                 std::numeric_limits<std::int64_t>::max())),
          written.substr(colon + 1)};
}

inline std::string shown(const steer::audit_line& line) {
  const steer::audit_entry& e = line.entry;
  constexpr std::size_t digits = 12;
  std::string out = steer::text({line.sequence, "  ", line.time, "  ", printable(e.who), "  ", printable(e.what), "  ", printable(e.subject)});
  if (!e.digest.empty()) {
    out += steer::text({"  ", printable(e.digest.substr(0, digits))});
  }
  return out + (e.why.empty() ? "\n" : std::string(steer::text({"\n    ", printable(e.why), "\n"})));
}

/// Checks a trail, against a head that was kept if there is one, and prints what it holds.
/// @throws as `steer::require_head`
inline void audit(const audit_options& o, std::ostream& out) {
  const std::optional<steer::audit_head> kept = o.head.empty() ? std::nullopt : std::make_optional(parse_head(o.head));
  const steer::audit_report found = kept ? steer::require_head(o.file, *kept) : steer::check_audit(o.file);
  if (o.show) {
    steer::visit_audit(o.file, [&](const steer::audit_line& line) {
      if (line.sequence <= found.lines) {  // what is written meanwhile comes next time
        out << shown(line);
      }
    });
  }
  out << steer::text({"lines  ", found.lines, "\n"});
  if (found.lines > 0) {
    out << steer::text({"first  ", found.first_time, "\nlast   ", found.last_time, "\n"});
  }
  for (const auto& [what, count] : found.counts) {
    out << steer::text({"  ", count, " ", printable(what), "\n"});
  }
  if (kept) {
    out << steer::text({"up to line ", kept->line, " it is what it was when its head was kept\n"});
  }
  out << steer::text({"head   ", found.lines, ":", found.head, "\n"});
}

}  // namespace llama_steer
