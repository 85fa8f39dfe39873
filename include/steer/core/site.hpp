// steer/core/site.hpp: where in a model an activation lives.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {

/// The points of one transformer block, in the order in which a forward pass reaches them.
enum class point : std::uint8_t {
  residual_in,      ///< the residual stream as the block receives it, width d
  attention_heads,  ///< the heads' outputs side by side, before the output projection, width heads * d_h
  attention_out,    ///< what attention adds to the residual stream, width d
  mlp_out,          ///< what the feed-forward part adds to the residual stream, width d
  residual_out,     ///< the residual stream after the block, width d
};
constexpr point last_of(point) noexcept { return point::residual_out; }

inline constexpr std::size_t point_count = 5;

inline constexpr std::array<point, point_count> all_points{
    point::residual_in, point::attention_heads, point::attention_out, point::mlp_out, point::residual_out};

inline constexpr std::array<std::string_view, point_count> point_names{"residual_in", "attention_heads",
                                                                       "attention_out", "mlp_out", "residual_out"};

constexpr std::string_view to_string(point p) noexcept { return point_names[static_cast<std::size_t>(p)]; }

/// The point of that name.
/// @throws argument_error naming the known points if there is none
STEER_API point point_from_string(std::string_view name);

/// One place where a hook can act. Layers are zero-based.
struct site {
  int layer = 0;
  steer::point point = steer::point::residual_out;

  constexpr auto operator<=>(const site&) const = default;
};

STEER_API std::string to_string(site s);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/core/site.ipp"
#endif
