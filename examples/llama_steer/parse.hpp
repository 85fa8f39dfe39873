// llama_steer/parse.hpp: what options mean.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "llama_steer/dialogue.hpp"
#include "llama_steer/text_lines.hpp"
#include "steer/core/error.hpp"
#include "steer/extract/token_selection.hpp"
#include "steer/recipe/edit.hpp"

namespace llama_steer {

/// A number that is written whole, with a point for decimals: "", "0,5", "nan" and "1e30" are none.
/// @throws steer::argument_error, which `what` begins
inline double parse_real(std::string_view item, std::string_view what) {
  constexpr double most = 1e6;
  const char* const end = item.data() + item.size();
  double number = 0.0;
  const auto [rest, failure] = std::from_chars(item.data() + (item.starts_with('+') && !item.starts_with("+-") ? 1 : 0), end, number);
  const std::string_view digits = item.substr(std::min(item.find_first_not_of("+-"), item.size()));
  const bool octal = digits.size() > 1 && digits[0] == '0' && digits[1] != '.' && digits[1] != 'e';  // the half of a "0,05"
  if (failure != std::errc{} || rest != end || !(std::abs(number) <= most) || octal) {
    throw steer::argument_error(steer::text({what, " \"", steer::actual(item), "\": expected ",
                                             steer::expected({"a number from -", most, " to ", most, ", with a point for decimals"})}));
  }
  return number;
}
inline float parse_number(std::string_view item, std::string_view what) { return static_cast<float>(parse_real(item, what)); }

/// "0,0.01,0.02": numbers with commas between them, each once.
/// @throws steer::argument_error, which `what` begins, naming the item
inline std::vector<float> parse_numbers(std::string_view list, std::string_view what) {
  std::vector<float> out;
  for (bool more = true; more;) {
    const std::size_t comma = list.find(',');
    out.push_back(parse_number(list.substr(0, comma), what));
    if (std::count(out.begin(), out.end(), out.back()) > 1) {
      throw steer::argument_error(steer::text({what, " names ", steer::actual(out.back()), " twice"}));
    }
    more = comma != std::string_view::npos;
    list.remove_prefix(more ? comma + 1 : list.size());
  }
  return out;
}

/// A whole number in plain digits: "1e3", "0x10", "010" and "2.5" are none.
/// @throws steer::argument_error, which `what` begins
inline std::int64_t parse_whole(std::string_view item, std::string_view what, std::int64_t least, std::int64_t most) {
  const char* const end = item.data() + item.size();
  std::int64_t number = 0;
  const auto [rest, failure] = std::from_chars(item.data() + (item.starts_with('+') && !item.starts_with("+-") ? 1 : 0), end, number);
  const std::string_view digits = item.substr(std::min(item.find_first_not_of("+-"), item.size()));
  if (failure != std::errc{} || rest != end || number < least || number > most || (digits.size() > 1 && digits[0] == '0')) {
    throw steer::argument_error(steer::text({what, " \"", steer::actual(item), "\": expected ",
                                             steer::expected({"a whole number from ", least, " to ", most})}));
  }
  return number;
}

/// A vector's file and how much of it a strength of 1 is: "happy.gguf", or "happy.gguf:-0.5".
struct scaled_file {
  std::filesystem::path path;
  float scale = 1.0F;
};

/// @throws steer::argument_error if what follows the last colon is no number and the whole is no file
inline scaled_file parse_scaled_file(const std::string& written) {
  const std::size_t colon = written.rfind(':');
  if (colon == std::string::npos || std::filesystem::exists(written)) {
    return {written};
  }
  return {written.substr(0, colon), parse_number(std::string_view(written).substr(colon + 1), "--vector " + written.substr(0, colon) + ": scale")};
}

/// "10-22", "3,5,8-10"; empty: none named.
/// @throws steer::argument_error if it is no list of layers
inline std::vector<int> parse_layers(std::string_view list) {
  std::vector<int> out;
  for (bool more = !list.empty(); more;) {
    const std::string_view item = list.substr(0, list.find(','));
    more = item.size() < list.size();
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    int first = 0;
    int last = 0;
    auto [end, failure] = std::from_chars(item.data(), item.data() + item.size(), first);
    last = first;
    if (failure == std::errc{} && end != item.data() + item.size() && *end == '-') {
      const auto rest = std::from_chars(end + 1, item.data() + item.size(), last);
      end = rest.ptr;
      failure = rest.ec;
    }
    if (failure != std::errc{} || end != item.data() + item.size() || first < 0 || last < first || last > 100'000) {
      throw steer::argument_error(steer::text(
          {"layers \"", steer::actual(item), "\": expected ", steer::expected("numbers and ranges such as 3,10-22")}));
    }
    for (int layer = first; layer <= last; ++layer) {
      if (std::find(out.begin(), out.end(), layer) != out.end()) {
        throw steer::argument_error(steer::text({"layers name ", steer::actual(layer), " twice"}));
      }
      out.push_back(layer);
    }
  }
  return out;
}

inline steer::token_selection parse_selection(const std::string& name) {
  if (name == "last") {
    return steer::last_token{};
  }
  if (constexpr std::string_view several = "last:"; name.starts_with(several)) {
    constexpr std::int64_t most = 1'000'000;
    return steer::last_tokens{
        static_cast<std::int32_t>(parse_whole(std::string_view(name).substr(several.size()), "tokens \"" + name + "\": their number", 1, most))};
  }
  if (name == "answer") {
    return steer::answer_tokens{};
  }
  if (name == "all") {
    return steer::all_tokens{};
  }
  if (name == "mean") {
    return steer::token_span{1};
  }
  throw steer::argument_error(steer::text(
      {"tokens \"", steer::actual(name), "\": expected ", steer::expected("last, last:N, answer, all or mean (all but the first)")}));
}

/// The unit of that name.
/// @throws steer::argument_error if there is none
inline steer::strength_unit parse_unit(const std::string& name) {
  using steer::strength_unit;
  for (const auto unit : {strength_unit::raw, strength_unit::unit, strength_unit::of_norm, strength_unit::of_row_norm,
                          strength_unit::sigma}) {
    if (to_string(unit) == name) {
      return unit;
    }
  }
  throw steer::argument_error(steer::text(
      {"unit \"", steer::actual(name), "\": expected ", steer::expected("raw, unit, of_norm, of_row_norm or sigma")}));
}

/// A frame for requests: `{}` once, and `\n`, `\t` and `\\` as in files of texts.
/// @throws steer::argument_error if it has no place for a request, or several; as `unescaped`
inline std::string parse_frame(const std::string& written) {
  std::string out = detail::unescaped(written);
  const std::size_t at = out.find(frame_gap);
  if (at == std::string::npos || out.find(frame_gap, at + 1) != std::string::npos) {
    throw steer::argument_error(steer::text({"--frame \"", written, "\" has ", steer::actual(at == std::string::npos ? "no {}" : "several {}"),
                                             "; expected ", steer::expected("one, where the request stands")}));
  }
  return out;
}

}  // namespace llama_steer
