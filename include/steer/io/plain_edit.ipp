// steer/io/plain_edit.ipp: the bodies of plain_edit.hpp.
#pragma once

#include <map>
#include <string_view>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/plain_edit.hpp"
#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY void require_plain(const edit& e, std::string_view format) {
  edit plain;
  plain.operation = e.operation;
  plain.where.layers = e.where.layers;
  if (!(plain == e)) {
    throw format_error(text(
        {thing({format, ": ", to_string(e)}), " acts on some rows or under a condition, which the format cannot say"}));
  }
}

STEER_BODY std::map<int, direction> used_directions(const edit& e, std::string_view format) {
  const std::map<int, direction>& all = only_vector(e).directions;
  if (e.where.layers.empty()) {
    return all;
  }
  std::map<int, direction> out;
  for (const int layer : e.where.layers) {
    const auto found = all.find(layer);
    if (found == all.end()) {
      throw format_error(text(
          {thing({format, ": ", to_string(e)}), " names layer ", at_layer(layer), ", for which it has no direction"}));
    }
    out.insert(*found);
  }
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
