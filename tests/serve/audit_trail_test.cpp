#include "steer/serve/audit_trail.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "expect_error.hpp"
#include "steer/io/sha256.hpp"
#include "temporary_file.hpp"

namespace {

using namespace std::chrono_literals;
using steer::audit_entry;
using steer::audit_head;
using steer::audit_line;
using steer::audit_options;
using steer::audit_report;
using steer::audit_sync;
using steer::audit_trail;
using steer::check_audit;
using steer::format_error;
using steer::parse_audit;
using steer::require_head;
using steer::visit_audit;
using time_point = std::chrono::system_clock::time_point;

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

const std::string zeros(64, '0');

// Hashes by sha256sum, of each line without its end.
const std::string first_hash = "b2dace2d8ff243c0f818ded7733874a902cf0a7a2b826b8b7ffa8e58a3fffad9";
const std::string second_hash = "5da4b413beb9cef37b06cf7e0fa318f8028e81eaa0b57f09b3cc891adc6017df";
const std::string digest_of_terse = "22ae9df4ee0c428c0d8b81b6db27dbf8aa18229b014fd9bc9c81609ba2222ed7";
const std::string two_lines =
    R"({"sequence":1,"time":"2026-01-31T23:59:59.000Z","who":"operator alice","what":"loaded","subject":"terse@3","digest":")" +
    digest_of_terse + R"(","why":"","previous":")" + zeros + "\"}\n" +
    R"({"sequence":2,"time":"2026-02-01T00:00:00.250Z","who":"request 17","what":"refused","subject":"caf\u00e9 \"x\"\n","digest":"","why":"not signed","previous":")" +
    first_hash + "\"}\n";
const audit_entry first_entry{.who = "operator alice", .what = "loaded", .subject = "terse@3", .digest = digest_of_terse};
const audit_entry second_entry{.who = "request 17", .what = "refused", .subject = "caf\xC3\xA9 \"x\"\n", .why = "not signed"};
constexpr time_point first_time = std::chrono::sys_days{std::chrono::January / 31 / 2026} + 23h + 59min + 59s;
constexpr time_point second_time = first_time + 1250ms;

/// A trail whose clock says what it is told; nothing waits for the disk.
struct clocked {
  time_point now = first_time;
  audit_options options{.sync = audit_sync::by_system, .now = [this] { return now; }};

  clocked() = default;
  clocked(const clocked&) = delete;
  clocked& operator=(const clocked&) = delete;
};

std::vector<audit_line> lines_of(std::string_view written) {
  std::vector<audit_line> out;
  visit_audit(bytes(written), "trail", [&](const audit_line& line) { out.push_back(line); });
  return out;
}

std::vector<std::string> split(const std::string& written) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < written.size(); at += out.back().size()) {
    out.push_back(written.substr(at, written.find('\n', at) + 1 - at));
  }
  return out;
}
std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) {
    out += line;
  }
  return out;
}

/// Five lines, and the head.
struct five_lines {
  std::string written;
  audit_head head;

  five_lines() {
    const temporary_file file(".jsonl");
    clocked clock;
    audit_trail trail(file.path(), clock.options);
    for (const char* what : {"loaded", "activated", "loaded", "refused", "rolled_back"}) {
      head = trail.append({.who = "operator alice", .what = what, .subject = "terse@3", .why = what});
      clock.now += 1s;
    }
    written = file.content();
  }
};

std::string replaced(std::string text, const std::string& old, const std::string& by) {
  const std::size_t at = text.find(old);
  EXPECT_NE(at, std::string::npos) << old;
  return text.replace(at, old.size(), by);
}

// ---- known answers ------------------------------------------------------------------------------------------------------

TEST(audit_trail, writes_the_two_lines_that_sha256sum_chained) {
  const temporary_file file(".jsonl");
  clocked clock;
  audit_trail trail(file.path(), clock.options);
  EXPECT_EQ(trail.head(), zeros);
  EXPECT_EQ(trail.append(first_entry), (audit_head{.line = 1, .hash = first_hash}));
  clock.now = second_time;
  EXPECT_EQ(trail.append(second_entry), (audit_head{.line = 2, .hash = second_hash}));
  EXPECT_EQ(file.content(), two_lines);
  EXPECT_EQ(trail.head(), second_hash);
  EXPECT_EQ(trail.lines(), 2U);
}

TEST(audit_trail, is_reported_and_visited) {
  const audit_report report = parse_audit(bytes(two_lines), "trail");
  EXPECT_EQ(report, (audit_report{.lines = 2,
                                  .head = second_hash,
                                  .first_time = "2026-01-31T23:59:59.000Z",
                                  .last_time = "2026-02-01T00:00:00.250Z",
                                  .counts = {{"loaded", 1}, {"refused", 1}}}));
  const temporary_file file(".jsonl", two_lines);
  EXPECT_EQ(check_audit(file.path()), report);
  const std::vector<audit_line> expected{
      {.sequence = 1, .time = "2026-01-31T23:59:59.000Z", .entry = first_entry, .hash = first_hash},
      {.sequence = 2, .time = "2026-02-01T00:00:00.250Z", .entry = second_entry, .hash = second_hash}};
  EXPECT_EQ(lines_of(two_lines), expected);
  std::vector<audit_line> from_file;
  visit_audit(file.path(), [&](const audit_line& line) { from_file.push_back(line); });
  EXPECT_EQ(from_file, expected);
}

TEST(audit_trail, is_sound_when_empty) {
  EXPECT_EQ(parse_audit({}, "trail"), audit_report{});
  EXPECT_EQ(audit_report{}.head, zeros);
  const temporary_file file(".jsonl", "");
  EXPECT_EQ(check_audit(file.path()), audit_report{});
  EXPECT_EQ(require_head(file.path(), {}), audit_report{});
  EXPECT_EQ(audit_trail(file.path()).lines(), 0U);
}

TEST(audit_trail, is_made_for_its_owner_alone) {
  const temporary_file file(".jsonl");
  const audit_trail trail(file.path());
  EXPECT_EQ(std::filesystem::status(file.path()).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(audit_trail, is_continued_where_it_ended) {
  const temporary_file file(".jsonl");
  clocked clock;
  audit_trail(file.path(), clock.options).append(first_entry);
  clock.now = second_time;
  {
    audit_trail again(file.path(), clock.options);
    EXPECT_EQ(again.head(), first_hash);
    EXPECT_EQ(again.lines(), 1U);
    again.append(second_entry);
  }
  EXPECT_EQ(file.content(), two_lines);
}

TEST(audit_trail, brings_lines_to_the_disk_by_the_systems_clock) {
  const temporary_file file(".jsonl");
  const auto second = [] {
    const std::time_t now = std::time(nullptr);
    std::array<char, 20> out{};
    std::strftime(out.data(), out.size(), "%Y-%m-%dT%H:%M:%S", std::gmtime(&now));
    return std::string(out.data());
  };
  const std::string before = second();
  audit_trail(file.path()).append(first_entry);
  const std::string time = check_audit(file.path()).first_time.substr(0, before.size());
  EXPECT_LE(before, time);
  EXPECT_GE(second(), time);
}

TEST(audit_trail, is_read_in_pieces) {
  const temporary_file file(".jsonl");
  audit_trail trail(file.path(), {.sync = audit_sync::by_system});
  for (int i = 0; i < 1000; ++i) {  // a piece has some 250
    trail.append(first_entry);
  }
  EXPECT_EQ(check_audit(file.path()).lines, 1000U);
  EXPECT_EQ(check_audit(file.path()).head, trail.head());
}

// ---- time ---------------------------------------------------------------------------------------------------------------

TEST(audit_trail, writes_the_last_time_again_where_the_clock_goes_back) {
  const temporary_file file(".jsonl");
  clocked clock;
  {
    audit_trail trail(file.path(), clock.options);
    trail.append(first_entry);
    clock.now -= 24h;
    trail.append(first_entry);
  }
  audit_trail again(file.path(), clock.options);
  again.append(first_entry);
  clock.now = second_time;
  again.append(first_entry);
  std::vector<std::string> times;
  for (const audit_line& line : lines_of(file.content())) {
    times.push_back(line.time);
  }
  const std::string then = "2026-01-31T23:59:59.000Z";
  EXPECT_EQ(times, (std::vector<std::string>{then, then, then, "2026-02-01T00:00:00.250Z"}));
}

TEST(audit_trail, knows_instants_before_1970_and_leap_days) {
  const temporary_file file(".jsonl");
  clocked clock;
  audit_trail trail(file.path(), clock.options);
  clock.now = time_point(-1ms);
  trail.append(first_entry);
  clock.now = std::chrono::sys_days{std::chrono::February / 29 / 2028} + 999ms;
  trail.append(first_entry);
  const audit_report report = check_audit(file.path());
  EXPECT_EQ(report.first_time, "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(report.last_time, "2028-02-29T00:00:00.999Z");
  clock.now = time_point::max();
  trail.append(first_entry);
  EXPECT_EQ(check_audit(file.path()).lines, 3U);
}

TEST(audit_trail, refuses_what_is_no_time) {
  for (const char* wrong : {"2026-01-31T23:59:59Z", "2026-01-31 23:59:59.000Z", "2026-01-31T23:59:59.000+00:00", "2026-02-29T00:00:00.000Z",
                            "2026-13-01T00:00:00.000Z", "2026-01-00T00:00:00.000Z", "2026-01-31T24:00:00.000Z",
                            "2026-01-31T23:60:00.000Z", "2026-01-31T23:59:60.000Z", "x026-01-31T23:59:59.000Z", "",
                            "2026-01-31T23:59:59.000Zx"}) {
    expect_error<format_error>([&] { parse_audit(bytes(replaced(two_lines, "2026-01-31T23:59:59.000Z", wrong)), "t"); },
                               std::string(R"(audit: file t, line 1 has time ")") + wrong + R"("; expected one like "2026-01-31T23:59:59.000Z")");
  }
  expect_error<format_error>(
      [] { parse_audit(bytes(replaced(two_lines, "2026-02-01T00:00:00.250Z", "2026-01-31T23:59:58.999Z")), "t"); },
      "audit: file t, line 2 has time 2026-01-31T23:59:58.999Z; expected 2026-01-31T23:59:59.000Z or later: time goes back");
}

// ---- tampering ----------------------------------------------------------------------------------------------------------

TEST(audit_trail, shows_a_line_that_is_missing_doubled_swapped_or_inserted) {
  const five_lines trail;
  const std::vector<std::string> lines = split(trail.written);
  ASSERT_EQ(lines.size(), 5U);
  ASSERT_EQ(require_head(bytes(trail.written), "t", trail.head).lines, 5U);
  const auto refused = [](const std::vector<std::string>& changed, std::size_t line, std::size_t got) {
    expect_fields<format_error>([&] { parse_audit(bytes(joined(changed)), "t"); },
                                {.what = "audit: file t, line " + std::to_string(line),
                                 .expected = std::to_string(line),
                                 .actual = std::to_string(got)});
  };
  for (std::size_t i = 0; i < 5; ++i) {
    const auto at = static_cast<std::ptrdiff_t>(i);
    std::vector<std::string> without = lines;
    without.erase(without.begin() + at);
    if (i < 4) {
      refused(without, i + 1, i + 2);
    }
    expect_error<format_error>([&] { require_head(bytes(joined(without)), "t", trail.head); }, "audit: file t");

    std::vector<std::string> doubled = lines;
    doubled.insert(doubled.begin() + at, lines[i]);
    refused(doubled, i + 2, i + 1);

    if (i < 4) {
      std::vector<std::string> swapped = lines;
      std::swap(swapped[i], swapped[i + 1]);
      refused(swapped, i + 1, i + 2);
    }
  }
  // One that fits the line before it shows at the line after.
  std::vector<std::string> inserted = lines;
  inserted.insert(inserted.begin() + 2, replaced(lines[2], "terse@3", "terse@4"));
  refused(inserted, 4, 3);
  for (std::size_t i = 3; i < 6; ++i) {
    inserted[i] = replaced(inserted[i], R"("sequence":)" + std::to_string(i), R"("sequence":)" + std::to_string(i + 1));
  }
  expect_error<format_error>([&] { parse_audit(bytes(joined(inserted)), "t"); }, "audit: file t, line 4 has previous \"", "; expected \"",
                             ": this line or the one before is not the one that was written");
}

TEST(audit_trail, shows_every_change_of_a_byte_to_who_kept_the_head) {
  const five_lines trail;
  const std::size_t last = trail.written.size() - split(trail.written).back().size();
  std::mt19937 random(7);
  for (std::size_t i = 0; i < trail.written.size(); ++i) {
    std::string changed = trail.written;
    changed[i] = static_cast<char>(changed[i] ^ static_cast<char>(1U << (random() % 8)));
    expect_error<format_error>([&] { require_head(bytes(changed), "t", trail.head); }, "audit: file t");
    if (i < last) {
      expect_error<format_error>([&] { parse_audit(bytes(changed), "t"); }, "audit: file t, line ");
    }
  }
}

TEST(audit_trail, shows_a_changed_line_by_the_next) {
  const std::string changed = replaced(two_lines, "operator alice", "operator mallory");
  const std::string hash = [&] {
    steer::sha256 digest;
    digest.update(bytes(std::string_view(changed).substr(0, changed.find('\n'))));
    return digest.hex();
  }();
  expect_fields<format_error>([&] { parse_audit(bytes(changed), "t"); },
                              {.what = "audit: file t, line 2", .expected = "\"" + hash + "\"", .actual = "\"" + first_hash + "\""});
}

TEST(audit_trail, shows_that_its_last_line_is_cut_off) {
  const std::size_t first = split(two_lines).front().size();
  for (std::size_t size = 1; size < two_lines.size(); ++size) {
    if (size == first) {
      EXPECT_EQ(parse_audit(bytes(two_lines.substr(0, size)), "t").lines, 1U);
      continue;
    }
    const bool in_first = size < first;
    expect_error<format_error>([&] { parse_audit(bytes(two_lines.substr(0, size)), "t"); },
                               steer::text({"audit: file t, line ", in_first ? 1 : 2, " has ", in_first ? size : size - first,
                                            " bytes and no line end; expected a line end: it is cut off, and the last whole line ends at byte ",
                                            in_first ? 0 : first}));
  }
}

TEST(audit_trail, is_not_continued_where_it_is_broken) {
  const temporary_file cut(".jsonl", two_lines.substr(0, two_lines.size() - 1));
  expect_error<format_error>([&] { audit_trail trail(cut.path()); },
                             "audit: file " + cut.path().string() + ", line 2 has ", " and no line end");
  EXPECT_EQ(cut.content(), two_lines.substr(0, two_lines.size() - 1)) << "not silently mended";
  const temporary_file changed(".jsonl", replaced(two_lines, "terse@3", "terse@4"));
  expect_error<format_error>([&] { audit_trail trail(changed.path()); }, "line 2 has previous");
  const temporary_file other(".jsonl", "a list of things to buy\n");
  expect_error<format_error>([&] { audit_trail trail(other.path()); }, "line 1 is no JSON object");
}

TEST(audit_trail, knows_its_head_after_it_has_grown) {
  const five_lines trail;
  const std::vector<audit_line> lines = lines_of(trail.written);
  for (const audit_line& line : lines) {
    EXPECT_EQ(require_head(bytes(trail.written), "t", {.line = line.sequence, .hash = line.hash}), parse_audit(bytes(trail.written), "t"));
  }
  EXPECT_EQ(require_head(bytes(trail.written), "t", {}).lines, 5U);
  const temporary_file cut(".jsonl", joined([&] {
                             std::vector<std::string> kept = split(trail.written);
                             kept.resize(3);
                             return kept;
                           }()));
  EXPECT_EQ(check_audit(cut.path()).lines, 3U) << "a chain that was cut at a line's end is a chain";
  expect_error<format_error>([&] { require_head(cut.path(), trail.head); },
                             "audit: file " + cut.path().string() + " has 3 lines; expected at least 5 as it was kept: its end was cut off");
  expect_error<format_error>([&] { require_head(bytes(trail.written), "t", {.line = 3, .hash = lines[3].hash}); },
                             "audit: file t, line 3 has hash " + lines[2].hash + "; expected " + lines[3].hash + " as it was kept");
  expect_error<format_error>([&] { require_head(bytes(trail.written), "t", {.line = 0, .hash = lines[0].hash}); },
                             "audit: file t, line 0 has hash " + zeros);
  for (const std::string& wrong : {std::string("abc"), std::string(), std::string(64, 'A'), std::string(65, 'a')}) {
    expect_error<steer::argument_error>([&] { require_head(bytes(trail.written), "t", {.line = 1, .hash = wrong}); },
                                        "audit: the head that was kept has hash \"" + wrong + "\"; expected 64 hexadecimal digits in lower case");
  }
}

TEST(audit_trail, is_visited_up_to_where_it_is_broken) {
  int visited = 0;
  const std::string broken = replaced(two_lines, R"("sequence":2)", R"("sequence":3)");
  expect_error<format_error>([&] { visit_audit(bytes(broken), "t", [&](const audit_line&) { ++visited; }); },
                             "audit: file t, line 2 has sequence 3; expected 2: a line is missing, moved or inserted");
  EXPECT_EQ(visited, 1);
}

TEST(audit_trail, refuses_lines_of_another_kind) {
  const auto refused = [](const std::string& old, const std::string& by, const std::string& message) {
    expect_error<format_error>([&] { parse_audit(bytes(replaced(two_lines, old, by)), "t"); }, "audit: file t, line 1" + message);
  };
  refused(R"({"seq)", R"([{"seq)", " is no JSON object");
  refused(R"({"seq)", "\n{\"seq", " is no JSON object");
  refused(R"({"seq)", R"({{"seq)", " is no valid JSON");
  refused(R"("sequence":1,)", R"("sequence":1,"sequence":1,)", R"( has "sequence" twice)");
  refused(R"("sequence":1,)", "", R"( has no "sequence")");
  refused(R"("sequence":1,)", R"("sequence":1.0,)", " has sequence 1.0; expected a whole number");
  refused(R"("sequence":1,)", R"("sequence":"1",)", R"( has sequence "1"; expected a whole number)");
  refused(R"("sequence":1,)", R"("sequence":-1,)", " has sequence -1; expected a whole number");
  refused(R"("sequence":1,)", R"("sequence":0,)", " has sequence 0; expected 1");
  refused(R"("sequence":1,)", R"("sequence":1,"level":3,)", R"(: has the unknown key "level")");
  for (const char* key : {"who", "what", "subject", "digest", "why", "previous", "time"}) {
    refused(std::string("\"") + key + R"(":)", std::string(R"("x)") + key + R"(":)", std::string(R"(: has the unknown key "x)") + key);
  }
  refused(R"(,"why":"")", "", R"( has no "why")");
  refused(R"("terse@3")", "3", " has subject 3; expected a string, or an object with percent_encoded where it is no UTF-8");
  refused(R"("terse@3")", "null", " has subject null; expected a string");
  refused("terse@3", "terse\xFF", " is no valid JSON");
  refused(zeros, first_hash, " has previous \"" + first_hash + "\"; expected \"" + zeros + "\"");
  refused("\"" + zeros + "\"", "0", R"( has previous 0; expected ")" + zeros + "\"");
}

TEST(audit_trail, refuses_a_second_way_of_writing_a_text) {
  const auto with = [](const std::string& subject) { return replaced(split(two_lines).front(), "\"terse@3\"", subject); };
  EXPECT_EQ(lines_of(with(R"({"percent_encoded":"a%FF"})")).front().entry.subject, "a\xFF");
  for (const char* wrong : {R"({"percent_encoded":"a"})", R"({"percent_encoded":"a%ff"})", R"({"percent_encoded":"a%F"})",
                            R"({"percent_encoded":"a%FF%"})", R"({"percent_encoded":"%61%FF"})", R"({"percent_encoded":"%C3%A9"})",
                            R"({"percent_encoded":"%FF\n"})", R"({"percent_encoded":255})", R"({"percent_encoded":"%FF","more":1})", "{}"}) {
    expect_error<format_error>([&] { parse_audit(bytes(with(wrong)), "t"); }, "audit: file t, line 1 has subject ", "; expected a string");
  }
}

TEST(audit_trail, refuses_a_line_without_end) {
  const std::string endless(steer::longest_audit_line + 1, 'x');
  expect_error<format_error>([&] { parse_audit(bytes(endless), "t"); }, "audit: file t, line 1 has more than 1048576 bytes; expected at most 1048576");
  const temporary_file file(".jsonl", two_lines + endless);
  expect_error<format_error>([&] { check_audit(file.path()); }, ", line 3 has more than 1048576 bytes");
}

// ---- texts --------------------------------------------------------------------------------------------------------------

TEST(audit_trail, gives_any_text_back_in_one_line_of_ascii) {
  const std::vector<std::string> texts{"a\nb\r\n\"sequence\":7}\n{\"", R"(\"\u0000)", std::string("a\0b", 3), "\x1B[31m\x7F", "\xFF\xFE",
                                       "half \xC3", "a%FF", "a%\xFF", "\xED\xA0\x80", "\xC0\x80", "\xE2\x80\xAE right to left", "\xF0\x9F\x98\x80",
                                       R"({"percent_encoded":"a%FF"})", ""};
  const temporary_file file(".jsonl");
  audit_trail trail(file.path(), {.sync = audit_sync::by_system});
  std::vector<audit_entry> entries;
  entries.reserve(texts.size());
  for (const std::string& text : texts) {
    entries.push_back({.who = text, .what = text, .subject = text, .digest = text, .why = text});
  }
  std::mt19937 random(11);
  for (int i = 0; i < 200; ++i) {
    std::string text(random() % 9, ' ');
    std::generate(text.begin(), text.end(), [&] { return static_cast<char>(random()); });
    entries.push_back({.who = "random", .what = "loaded", .subject = text});
  }
  for (const audit_entry& entry : entries) {
    trail.append(entry);
  }
  const std::string written = file.content();
  EXPECT_EQ(static_cast<std::size_t>(std::count(written.begin(), written.end(), '\n')), entries.size());
  EXPECT_TRUE(std::all_of(written.begin(), written.end(), [](char c) { return c == '\n' || (c >= 0x20 && c < 0x7F); }));
  const std::vector<audit_line> lines = lines_of(written);
  ASSERT_EQ(lines.size(), entries.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].entry, entries[i]) << i;
  }
}

TEST(audit_trail, writes_what_is_no_utf8_as_the_page_says) {
  const temporary_file file(".jsonl");
  audit_trail(file.path()).append({.subject = "50% \xFF\xC3\xA9.gguf"});
  EXPECT_NE(file.content().find(R"("subject":{"percent_encoded":"50%25 %FF%C3%A9.gguf"})"), std::string::npos) << file.content();
}

TEST(audit_trail, refuses_an_entry_that_no_line_holds) {
  const temporary_file file(".jsonl");
  audit_trail trail(file.path());
  expect_error<steer::argument_error>([&] { trail.append({.who = "request 17", .subject = std::string(steer::longest_audit_line, 'x')}); },
                                      "an entry by request 17 makes a line of ", "; expected at most 1048576");
  EXPECT_EQ(trail.lines(), 0U);
  const std::size_t rest = steer::detail::audit_text({.sequence = 1, .time = "2026-01-31T23:59:59.000Z"}, zeros).size();
  trail.append({.subject = std::string(steer::longest_audit_line - rest, 'x')});
  EXPECT_EQ(check_audit(file.path()).lines, 1U) << "what is written can be read";
}

// ---- threads and processes ----------------------------------------------------------------------------------------------

TEST(audit_trail, is_sound_when_eight_threads_write_at_once) {
  const temporary_file file(".jsonl");
  constexpr int threads = 8;
  constexpr int each = 50;
  audit_trail trail(file.path(), {.sync = audit_sync::by_system});
  std::vector<std::vector<audit_head>> heads(threads);
  {
    std::vector<std::thread> running;
    running.reserve(threads);
    for (int t = 0; t < threads; ++t) {
      running.emplace_back([&, t] {
        for (int i = 0; i < each; ++i) {
          heads[static_cast<std::size_t>(t)].push_back(
              trail.append({.who = steer::text({"request ", t}), .what = "loaded", .subject = steer::text(i)}));
          static_cast<void>(trail.head());
          static_cast<void>(trail.lines());
        }
      });
    }
    for (std::thread& thread : running) {
      thread.join();
    }
  }
  std::set<std::string> entries;
  std::map<std::uint64_t, std::string> hashes;
  visit_audit(file.path(), [&](const audit_line& line) {
    entries.insert(line.entry.who + ", " + line.entry.subject);
    hashes[line.sequence] = line.hash;
  });
  EXPECT_EQ(entries.size(), static_cast<std::size_t>(threads * each));
  EXPECT_EQ(trail.lines(), static_cast<std::uint64_t>(threads * each));
  for (const std::vector<audit_head>& of_thread : heads) {
    for (const audit_head& head : of_thread) {
      EXPECT_EQ(hashes[head.line], head.hash);
    }
  }
}

TEST(audit_trail, has_one_writer) {
  const temporary_file file(".jsonl");
  const auto second = [&] { audit_trail again(file.path()); };
  {
    audit_trail trail(file.path());
    trail.append(first_entry);
    expect_error<steer::file_error>(second, "audit: file " + file.path().string() + " is locked by another writer, in this process or another",
                                    "; expected one writer");
    EXPECT_EQ(check_audit(file.path()).lines, 1U) << "readers are free";
    const ::pid_t child = ::fork();
    if (child == 0) {
      int status = 1;
      try {
        second();
      } catch (const steer::file_error&) {
        status = 0;
      } catch (...) {
      }
      ::_exit(status);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    trail.append(first_entry);
  }
  EXPECT_NO_THROW(second());
}

TEST(audit_trail, refuses_a_file_that_somebody_else_touched) {
  const temporary_file file(".jsonl");
  audit_trail trail(file.path());
  trail.append(first_entry);
  const std::string written = file.content();
  std::ofstream(file.path(), std::ios::app) << "x";
  expect_error<steer::file_error>([&] { trail.append(first_entry); },
                                  steer::text({" has ", written.size() + 1, " bytes; expected ", written.size(), ": somebody else has written to it"}));
  std::filesystem::resize_file(file.path(), written.size());
  trail.append(first_entry);

  const temporary_file moved(".jsonl");
  std::filesystem::rename(file.path(), moved.path());
  expect_error<steer::file_error>([&] { trail.append(first_entry); }, " is not there any more; expected the one that was opened");
  std::ofstream(file.path()) << "";
  expect_error<steer::file_error>([&] { trail.append(first_entry); }, " is another file; expected the one that was opened");
  std::filesystem::rename(moved.path(), file.path());
  EXPECT_EQ(trail.append(first_entry).line, 3U);
  EXPECT_EQ(check_audit(file.path()).lines, 3U);
}

// ---- places -------------------------------------------------------------------------------------------------------------

TEST(audit_trail, refuses_what_is_no_regular_file) {
  const temporary_file pipe;
  ASSERT_EQ(::mkfifo(pipe.path().c_str(), 0600), 0);
  const auto refused = [](const std::filesystem::path& path, const std::string& kind) {
    const std::string message = "audit: file " + path.string() + " is " + kind + "; expected a regular file";
    expect_error<steer::file_error>([&] { audit_trail trail(path); }, message);
    expect_error<steer::file_error>([&] { check_audit(path); }, message);
  };
  refused(pipe.path(), "a pipe");
  refused("/dev/null", "a device or a socket");
  refused("/dev/full", "a device or a socket");
  refused(std::filesystem::temp_directory_path(), "a directory");
  const temporary_file none;
  expect_error<steer::file_error>([&] { check_audit(none.path()); }, "audit: file " + none.path().string() + " cannot be read: No such file or directory");
  expect_error<steer::file_error>([&] { audit_trail trail(none.path() / "trail"); }, " cannot be opened: No such file or directory");
  EXPECT_FALSE(std::filesystem::exists(none.path()));
}

TEST(audit_trail, follows_links_to_files) {
  const temporary_file file(".jsonl");
  const temporary_file link(".jsonl");
  std::filesystem::create_symlink(file.path(), link.path());
  audit_trail trail(link.path());
  trail.append(first_entry);
  EXPECT_EQ(check_audit(file.path()).lines, 1U);
  expect_error<steer::file_error>([&] { audit_trail again(file.path()); }, "is locked by another writer");
}

// ---- a disk that is full ------------------------------------------------------------------------------------------------

/// While it lives no file may be longer.
struct file_size_limit {
  ::rlimit before{};
  void (*handler)(int) = nullptr;

  explicit file_size_limit(std::uint64_t bytes) {
    handler = std::signal(SIGXFSZ, SIG_IGN);
    EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    ::rlimit limit = before;
    limit.rlim_cur = bytes;
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  file_size_limit(const file_size_limit&) = delete;
  file_size_limit& operator=(const file_size_limit&) = delete;
  ~file_size_limit() {
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
  }
};

TEST(audit_trail, takes_back_a_line_that_the_disk_does_not_hold) {
  const temporary_file file(".jsonl");
  clocked clock;
  audit_trail trail(file.path(), clock.options);
  trail.append(first_entry);
  const std::string written = file.content();
  clock.now = second_time;
  for (const std::size_t more : {0, 1, 100}) {
    const file_size_limit limit(written.size() + more);
    expect_error<steer::file_error>([&] { trail.append(second_entry); },
                                    "audit: file " + file.path().string() + " cannot be written: File too large");
    EXPECT_EQ(file.content(), written);
    EXPECT_EQ(trail.lines(), 1U);
    EXPECT_EQ(trail.head(), first_hash);
  }
  trail.append(second_entry);
  EXPECT_EQ(file.content(), two_lines);
}

#ifdef MFD_ALLOW_SEALING
TEST(audit_trail, takes_no_more_lines_where_one_cannot_be_taken_back) {
  const int memory = ::memfd_create("trail", MFD_ALLOW_SEALING);  // a file that may be forbidden to shrink
  ASSERT_GE(memory, 0);
  {
    audit_trail trail("/proc/self/fd/" + std::to_string(memory), {.sync = audit_sync::by_system});
    trail.append(first_entry);
    struct stat status {};
    ASSERT_EQ(::fstat(memory, &status), 0);
    ASSERT_EQ(::fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    {
      const file_size_limit limit(static_cast<std::uint64_t>(status.st_size) + 10);
      expect_error<steer::file_error>([&] { trail.append(second_entry); }, " cannot be written: File too large");
    }
    for (int i = 0; i < 2; ++i) {
      expect_error<steer::file_error>([&] { trail.append(second_entry); },
                                      " takes no more lines: a line was not written whole (File too large) and could not be taken back",
                                      " (Operation not permitted)",
                                      steer::text({"the last whole line ends at byte ", static_cast<long>(status.st_size)}));
    }
    EXPECT_EQ(trail.lines(), 1U);
  }
  ::close(memory);
}
#endif

}  // namespace
