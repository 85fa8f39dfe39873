// llama_steer/parse.hpp: what options mean.
#pragma once

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/extract/token_selection.hpp"
#include "steer/recipe/edit.hpp"

namespace llama_steer {

/// "10-22", "3,5,8-10"; empty: none named.
/// @throws steer::argument_error if it is no list of layers
inline std::vector<int> parse_layers(std::string_view list) {
  std::vector<int> out;
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
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
      out.push_back(layer);
    }
  }
  return out;
}

inline steer::token_selection parse_selection(const std::string& name) {
  if (name == "last") {
    return steer::last_token{};
  }
  if (name == "all") {
    return steer::all_tokens{};
  }
  if (name == "mean") {
    return steer::token_span{1};
  }
  throw steer::argument_error(steer::text(
      {"tokens \"", steer::actual(name), "\": expected ", steer::expected("last, all or mean (all but the first)")}));
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

}  // namespace llama_steer
