// llama_steer/printable.hpp: what others wrote, so that it can hide nothing on a terminal.
#pragma once

#include <cstddef>
#include <cstdio>
#include <set>
#include <string>
#include <string_view>

#include "llama_steer/text_lines.hpp"

namespace llama_steer {

/// A text with \xNN for each byte that is no UTF-8, a control character, or part of a character that is not seen or turns the direction
/// of writing; letters of any script stay.
inline std::string printable(std::string_view text) {
  // C1 controls, no-break and soft hyphen; zero width, directions and line ends; the byte-order mark.
  const auto is_hidden = [](std::string_view c) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(c[i]); };
    return (c.size() == 1 && (byte(0) < 0x20 || byte(0) == 0x7F)) ||
           (c.size() == 2 && byte(0) == 0xC2 && (byte(1) <= 0xA0 || byte(1) == 0xAD)) || c == detail::byte_order_mark ||
           (c.size() == 3 && byte(0) == 0xE2 && ((byte(1) == 0x80 && (byte(2) <= 0x8F || (byte(2) >= 0xA8 && byte(2) <= 0xAF))) ||
                                                 (byte(1) == 0x81 && byte(2) >= 0xA0 && byte(2) <= 0xAF)));
  };
  std::string out;
  while (!text.empty()) {
    std::size_t length = 1;
    while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80) {
      ++length;
    }
    const std::string_view c = text.substr(0, length);
    const bool shown = detail::utf8_end(c) == c.size() && !is_hidden(c);
    for (const char each : c) {
      char code[8];
      std::snprintf(code, sizeof code, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(each)));
      out += shown ? std::string(1, each) : std::string(code);
    }
    text.remove_prefix(length);
  }
  return out;
}

/// Layers as options name them: "3,10-22".
inline std::string layers_text(const std::set<int>& layers) {
  std::string out;
  for (auto first = layers.begin(); first != layers.end();) {
    int last = *first;
    auto next = first;
    while (++next != layers.end() && *next == last + 1) {
      last = *next;
    }
    out += steer::text({out.empty() ? "" : ",", *first});
    if (last > *first) {
      out += steer::text({"-", last});
    }
    first = next;
  }
  return out;
}

}  // namespace llama_steer
