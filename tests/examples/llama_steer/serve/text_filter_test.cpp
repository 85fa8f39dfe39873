#include "llama_steer/serve/text_filter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "expect_error.hpp"
#include "llama_steer/text_lines.hpp"

namespace {

using llama_steer::serve::stop_holdback;
using llama_steer::serve::text_filter;
using llama_steer::serve::utf8_holdback;

constexpr std::string_view replacement = "\xEF\xBF\xBD";

bool is_utf8(std::string_view text) { return llama_steer::detail::utf8_end(text) == text.size(); }

/// Whether some bytes behind it make it one character; tried.
bool begins_a_character(const std::string& bytes) {
  if (bytes.size() >= 4) {
    return false;
  }
  for (const char next : {'\x80', '\x8F', '\x90', '\x9F', '\xA0', '\xBF'}) {
    const std::string longer = bytes + next;
    if (is_utf8(longer) || begins_a_character(longer)) {
      return true;
    }
  }
  return false;
}

/// U+FFFD for each longest beginning of a character that does not go on, and for each other byte that is none.
std::string naive_characters(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const std::size_t good = llama_steer::detail::utf8_end(bytes);
    out += bytes.substr(0, good);
    bytes.remove_prefix(good);
    if (!bytes.empty()) {
      std::size_t length = std::min<std::size_t>(bytes.size(), 3);
      while (length > 1 && !(!is_utf8(bytes.substr(0, 1)) && begins_a_character(std::string(bytes.substr(0, length))))) {
        --length;
      }
      out += replacement;
      bytes.remove_prefix(length);
    }
  }
  return out;
}

/// Up to the stop string that ends first, of several the longest.
std::string naive_stop(std::string_view text, const std::vector<std::string>& stops, bool& found) {
  for (std::size_t end = 0; end <= text.size(); ++end) {
    std::size_t longest = 0;
    for (const std::string& stop : stops) {
      longest = std::max(longest, text.substr(0, end).ends_with(stop) ? stop.size() : 0);
    }
    if (longest > 0) {
      found = true;
      return std::string(text.substr(0, end - longest));
    }
  }
  found = false;
  return std::string(text);
}

/// The longest end of the text with which a stop string may begin.
std::size_t naive_held(std::string_view text, const std::vector<std::string>& stops) {
  for (std::size_t length = text.size(); length > 0; --length) {
    if (std::any_of(stops.begin(), stops.end(), [&](const std::string& stop) { return stop.starts_with(text.substr(text.size() - length)); })) {
      return length;
    }
  }
  return 0;
}

TEST(LlamaSteerTextFilter, WholeCharacters) {
  utf8_holdback filter;
  EXPECT_EQ(filter.add("a\xC3"), "a");
  EXPECT_EQ(filter.add("\xA4"), "\xC3\xA4");
  EXPECT_EQ(filter.add("\xF0\x9F\x98"), "");
  EXPECT_EQ(filter.add("\x80z"), "\xF0\x9F\x98\x80z");
  EXPECT_EQ(filter.add("\xE2\x82"), "");
  EXPECT_EQ(filter.finish(), replacement);
  EXPECT_EQ(filter.finish(), "");
  EXPECT_EQ(filter.add(std::string("\0", 1)), std::string("\0", 1));
}

TEST(LlamaSteerTextFilter, WhatIsNoUtf8) {
  const auto of = [](std::string_view bytes) {
    utf8_holdback filter;
    std::string out = filter.add(bytes);
    return out + filter.finish();
  };
  const std::string r(replacement);
  EXPECT_EQ(of("\xFF"), r);
  EXPECT_EQ(of("\x80\x80"), r + r);
  EXPECT_EQ(of("\xC0\xAF"), r + r) << "overlong";
  EXPECT_EQ(of("\xE0\x80\xAF"), r + r + r);
  EXPECT_EQ(of("\xED\xA0\x80"), r + r + r) << "a surrogate";
  EXPECT_EQ(of("\xF4\x90\x80\x80"), r + r + r + r) << "beyond U+10FFFF";
  EXPECT_EQ(of("\xE2\x82z"), r + "z");
  EXPECT_EQ(of("\xE2\x82\xE2\x82\xAC"), r + "\xE2\x82\xAC");
  // The example of the Unicode standard, table 3-11 of section 3.9.
  EXPECT_EQ(of("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), r + r + r + r + "A");
}

TEST(LlamaSteerTextFilter, StopsAtTheFirst) {
  stop_holdback filter({"\n\n", "END"});
  EXPECT_EQ(filter.add("One\n"), "One");
  EXPECT_EQ(filter.add("two E"), "\ntwo ");
  EXPECT_EQ(filter.add("N"), "");
  EXPECT_EQ(filter.add("ENDED"), "EN");
  EXPECT_TRUE(filter.stopped());
  EXPECT_EQ(filter.add("more"), "");
  EXPECT_EQ(filter.finish(), "");

  stop_holdback never({"xyz"});
  EXPECT_EQ(never.add("ax"), "a");
  EXPECT_EQ(never.add("y"), "");
  EXPECT_FALSE(never.stopped());
  EXPECT_EQ(never.finish(), "xy");

  stop_holdback overlapping({"abcd", "bc"});
  EXPECT_EQ(overlapping.add("abcd"), "a") << "bc is there first";
  stop_holdback nested({"c", "abc"});
  EXPECT_EQ(nested.add("xabc"), "x") << "they end together";
  EXPECT_EQ(stop_holdback({}).add("all"), "all");
  expect_error<steer::argument_error>([] { stop_holdback({"a", ""}); }, "stop string 1 is empty");
}

TEST(LlamaSteerTextFilter, EveryCharacterByteByByte) {
  utf8_holdback filter;
  for (std::uint32_t point = 0; point <= 0x10FFFF; point += point < 0x3000 ? 1 : 37) {
    if (point >= 0xD800 && point < 0xE000) {
      continue;
    }
    std::string character;
    const auto byte = [&](std::uint32_t value) { character += static_cast<char>(static_cast<unsigned char>(value)); };
    if (point < 0x80) {
      byte(point);
    } else {
      const std::uint32_t more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
      byte((0xFF00U >> (more + 1) & 0xFFU) | point >> (6 * more));
      for (std::uint32_t i = more; i-- > 0;) {
        byte(0x80U | (point >> (6 * i) & 0x3FU));
      }
    }
    for (std::size_t i = 0; i < character.size(); ++i) {
      ASSERT_EQ(filter.add(character.substr(i, 1)), i + 1 == character.size() ? character : "") << "U+" << std::hex << point;
    }
  }
}

TEST(LlamaSteerTextFilter, SplitsDoNotMatter) {
  // Bytes near the borders of what may follow, and letters of which stop strings consist.
  const std::vector<std::string> bytes{"a", "b", "a", "b", "ab", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\x80", "\xBF", "\xC1", "\xC3",
                                       "\xE0", "\xA0", "\x9F", "\xED", "\xF0", "\x90", "\x8F", "\xF4", "\xF5", "\xE2\x82"};
  const std::vector<std::string> letters{"a", "b", "a", "b", "a", "\xC3\xA4", std::string(replacement)};
  std::size_t stopped = 0;
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine); };
    std::string all;
    for (std::size_t i = below(30); i-- > 0;) {
      all += bytes[below(seed % 2 == 0 ? bytes.size() : 6)];
    }
    std::vector<std::string> stops(below(4));
    for (std::string& stop : stops) {
      for (std::size_t i = 1 + below(5); i-- > 0;) {
        stop += letters[below(letters.size())];
      }
    }
    bool found = false;
    const std::string expected = naive_stop(naive_characters(all), stops, found);
    stopped += found ? 1 : 0;

    text_filter filter(stops);
    utf8_holdback characters;
    std::string given;
    std::string seen;  // whole characters so far
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t length = std::min(all.size() - at, below(4));
      const std::string piece = filter.add(all.substr(at, length));
      seen += characters.add(all.substr(at, length));
      at += length;
      given += piece;
      ASSERT_TRUE(is_utf8(piece));
      if (!filter.stopped()) {
        ASSERT_EQ(given.size(), seen.size() - naive_held(seen, stops)) << "no more is kept than may be a beginning";
      }
    }
    given += filter.finish();
    ASSERT_EQ(given, expected);
    ASSERT_EQ(filter.stopped(), found);
    std::string anew = filter.add("abab");
    anew += filter.finish();
    ASSERT_EQ(anew, found ? "" : naive_stop("abab", stops, found));
  }
  EXPECT_GT(stopped, 500U);
  EXPECT_LT(stopped, 3500U);
}

}  // namespace
