// llama_steer/text_lines.hpp: texts from files, one a line, and what in them is perhaps not meant.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "steer/core/error.hpp"

namespace llama_steer {

/// How the lines of a file become texts.
struct line_options {
  bool escape = false;  ///< \n, \t and \\ stand for a line end, a tab and a backslash
};

namespace detail {

/// Where a text stops being UTF-8; its length if it is.
inline std::size_t utf8_end(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto byte = [&](std::size_t i) -> unsigned {
      return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
    };
    const unsigned lead = byte(0);
    const std::size_t more = lead < 0x80                   ? 0
                             : lead >= 0xC2 && lead < 0xE0 ? 1
                             : lead >= 0xE0 && lead < 0xF0 ? 2
                             : lead >= 0xF0 && lead < 0xF5 ? 3
                                                           : 4;
    for (std::size_t i = 1; i <= more; ++i) {
      if (more == 4 || (byte(i) & 0xC0U) != 0x80) {
        return at;
      }
    }
    const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
    if (overlong || (lead == 0xED && byte(1) >= 0xA0) || (lead == 0xF4 && byte(1) >= 0x90)) {
      return at;
    }
    at += more + 1;
  }
  return at;
}

inline constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

inline bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r\n") == std::string_view::npos; }

/// Every line, empty ones too, without the mark in front and the line ends of other systems.
/// @throws steer::file_error if it cannot be read; steer::format_error naming the line that is no UTF-8
inline std::vector<std::string> raw_lines(const std::filesystem::path& path) {
  std::ifstream in(path);
  if (!in || std::filesystem::is_directory(path)) {
    throw steer::file_error(steer::text({"file ", path.string(), " cannot be read"}));
  }
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) {
    if (out.empty() && line.starts_with(byte_order_mark)) {
      line.erase(0, byte_order_mark.size());
    }
    if (!line.empty() && line.back() == '\r') {
      line.pop_back();
    }
    const std::size_t zero = line.find('\0');  // a byte of UTF-16, for one
    if (const std::size_t end = std::min(utf8_end(line), zero); end < line.size()) {
      throw steer::format_error(steer::text({"file ", path.string(), ", line ", out.size() + 1, ", byte ", end + 1, ": is ",
                                             steer::actual(end == zero ? "0" : "no UTF-8"), "; expected ",
                                             steer::expected("a text in UTF-8")}));
    }
    out.push_back(std::move(line));
  }
  return out;
}

inline std::string unescaped(std::string_view line) {
  std::string out;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char next = line[i] == '\\' && i + 1 < line.size() ? line[i + 1] : '\0';
    if (next == 'n' || next == 't' || next == '\\') {
      out += next == 'n' ? '\n' : next == 't' ? '\t' : '\\';
      ++i;
    } else {
      out += line[i];
    }
  }
  return out;
}

/// The first thing in a line that looks like a token of a chat template; empty if nothing does.
inline std::string control_token_in(std::string_view line) {
  if (const std::size_t begin = line.find("<|"); begin != std::string_view::npos) {
    if (const std::size_t end = line.find("|>", begin); end != std::string_view::npos) {
      return std::string(line.substr(begin, end + 2 - begin));
    }
  }
  for (const std::string_view token :
       {"<s>", "</s>", "<bos>", "<eos>", "[INST]", "[/INST]", "<start_of_turn>", "<end_of_turn>"}) {
    if (line.find(token) != std::string_view::npos) {
      return std::string(token);
    }
  }
  return {};
}

inline std::string text_of(const std::string& line, const line_options& how) {
  return how.escape ? unescaped(line) : line;
}

}  // namespace detail

/// The lines of a text file that are not blank.
/// @throws steer::file_error if it cannot be read; steer::format_error naming the line that is no UTF-8, and if there
/// are no lines
inline std::vector<std::string> read_lines(const std::filesystem::path& path, const line_options& how = {}) {
  std::vector<std::string> out;
  for (const std::string& line : detail::raw_lines(path)) {
    if (!detail::is_blank(line)) {
      out.push_back(detail::text_of(line, how));
    }
  }
  if (out.empty()) {
    throw steer::format_error(steer::text({"file ", path.string(), " has no lines; expected one text per line"}));
  }
  return out;
}

/// What in a file is perhaps not meant, by line, for the user to see.
/// @param tokens_are_read  whether control tokens become tokens where the texts are used
inline std::vector<std::string> notes_on(const std::filesystem::path& path, const line_options& how,
                                         bool tokens_are_read) {
  std::vector<std::string> out;
  std::map<std::string, std::size_t> first;
  std::size_t number = 0;
  const auto note = [&](std::initializer_list<steer::text_part> parts) {
    out.push_back(steer::text({"file ", path.string(), ", line ", number, ": ", steer::text(parts)}));
  };
  {
    std::ifstream in(path, std::ios::binary);
    std::string start(detail::byte_order_mark.size(), '\0');
    in.read(start.data(), static_cast<std::streamsize>(start.size()));
    number = 1;
    if (start == detail::byte_order_mark) {
      note({"a byte-order mark is left out"});
    }
  }
  number = 0;
  for (const std::string& line : detail::raw_lines(path)) {
    ++number;
    if (detail::is_blank(line)) {
      note({line.empty() ? "is empty" : "is blank", " and left out"});
      continue;
    }
    if (const auto [before, is_new] = first.try_emplace(line, number); !is_new) {
      note({"is the same as line ", before->second});
    }
    if (const std::string token = detail::control_token_in(line); !token.empty()) {
      note({"holds ", token, ", which is read as ", tokens_are_read ? "a token" : "plain text"});
    }
    if (line.find('\r') != std::string::npos) {
      note({"holds a carriage return, which ends no line here"});
    }
    if (line.back() == ' ' || line.back() == '\t') {
      note({"ends with white space, which is read as it stands"});
    }
    if (!how.escape && detail::unescaped(line) != line) {
      note({"holds a backslash that is read as it stands; --escape makes \\n a line end"});
    }
  }
  return out;
}

}  // namespace llama_steer
