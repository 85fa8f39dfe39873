// steer/inject/digest.ipp: the bodies of digest.hpp.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>
#include <variant>

#include "steer/core/real.hpp"
#include "steer/inject/digest.hpp"
#include "steer/recipe/recipe.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY void digest::operator()(std::string_view, const steering_vector& v) {
  plain(v.point);
  plain(v.directions.size());
  for (const auto& [layer, direction] : v.directions) {
    plain(layer);
    dense(direction.values);
    (*this)("row_norm", direction.row_norm);
    (*this)("spread", direction.spread);
    dense(direction.origin);
  }
}

STEER_BODY void digest::operator()(std::string_view, const steer::plane& p) {
  dense(p.first);
  dense(p.second);
}

STEER_BODY void digest::operator()(std::string_view, const affine_map& map) {
  plain(map.index());
  if (const auto* diagonal = std::get_if<diagonal_map>(&map)) {
    dense(diagonal->scale);
    dense(diagonal->shift);
  } else if (const auto* low_rank = std::get_if<low_rank_map>(&map)) {
    dense(low_rank->read);
    dense(low_rank->write);
    dense(low_rank->shift);
  } else {
    dense(std::get<dense_map>(map).linear);
    dense(std::get<dense_map>(map).shift);
  }
}

STEER_BODY void digest::bytes(const void* data, std::size_t count) {
  const auto* const from = static_cast<const unsigned char*>(data);
  for (std::size_t i = 0; i < count; ++i) {
    value_ = (value_ ^ from[i]) * 0x100000001B3U;
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
