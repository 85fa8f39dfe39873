// Audit trails: what is accepted is written and read again, and equal; and any texts make a trail that gives them back.
#include "steer/serve/audit_trail.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "fuzz/fuzz.hpp"
#include "steer/io/sha256.hpp"

namespace {

std::vector<steer::audit_line> lines_of(std::span<const std::byte> bytes) {
  std::vector<steer::audit_line> out;
  steer::visit_audit(bytes, "fuzz", [&](const steer::audit_line& line) { out.push_back(line); });
  return out;
}

/// Chains the lines anew.
std::string written(std::vector<steer::audit_line>& lines) {
  std::string out;
  std::string previous(steer::no_audit_hash);
  for (steer::audit_line& line : lines) {
    const std::string text = steer::detail::audit_text(line, previous);
    steer::sha256 digest;
    digest.update(fuzz::bytes(text));
    previous = line.hash = digest.hex();
    out += text + '\n';
  }
  return out;
}

void require_round_trip(std::vector<steer::audit_line> lines) {
  const std::string text = written(lines);
  fuzz::require(lines_of(fuzz::bytes(text)) == lines);
  const steer::audit_head head = lines.empty() ? steer::audit_head{} : steer::audit_head{lines.back().sequence, lines.back().hash};
  fuzz::require(steer::require_head(fuzz::bytes(text), "again", head) == steer::parse_audit(fuzz::bytes(text), "again"));
}

/// The bytes as texts: each ends at a byte 0xF5, which no UTF-8 has, five make an entry.
std::vector<steer::audit_line> entries_of(std::string_view bytes) {
  std::vector<steer::audit_line> out;
  while (!bytes.empty()) {
    steer::audit_line line{.sequence = out.size() + 1, .time = "2026-01-31T23:59:59.000Z"};
    for (std::string* text : {&line.entry.who, &line.entry.what, &line.entry.subject, &line.entry.digest, &line.entry.why}) {
      const std::size_t end = std::min(bytes.find('\xF5'), bytes.size());
      *text = bytes.substr(0, end);
      bytes.remove_prefix(std::min(end + 1, bytes.size()));
    }
    out.push_back(line);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  require_round_trip(entries_of({reinterpret_cast<const char*>(data), size}));
  return fuzz::run([&] { return lines_of(fuzz::bytes(data, size)); }, require_round_trip);
}
