// steer/core/model_shape.hpp: what a host tells the library about its model.
#pragma once

#include <cstddef>
#include <string>

#include "steer/core/enum_set.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/rows.hpp"
#include "steer/core/site.hpp"

namespace steer {
inline namespace v0 {

/// The model as a hook sees it: its sizes, the points at which the host calls, and what it knows of each row.
struct model_shape {
  std::string name;               ///< for messages
  std::string fingerprint;        ///< identifies the weights; empty where the host cannot tell
  int layers = 0;                 ///< L
  std::ptrdiff_t width = 0;       ///< d, the residual stream's width
  /// S, the residual streams. Where there are several, a token has S rows of width d at `residual_in` and `residual_out`: those of a
  /// token stand together, stream after stream. All other points have a row a token.
  int streams = 1;
  std::ptrdiff_t head_width = 0;  ///< d_h, one attention head's width; 0 where the host has no heads to show
  int heads = 0;                  ///< attention (query) heads
  enum_set<steer::point> points;  ///< the points at which the host calls hooks
  enum_set<row_fact> facts;       ///< the facts that `row_info` really carries

  /// The width of the rows at a point, or 0 where the host does not show it.
  STEER_API [[nodiscard]] std::ptrdiff_t width_at(steer::point p) const noexcept;

  /// Rows of one token at a point.
  [[nodiscard]] int streams_at(steer::point p) const noexcept {
    return p == steer::point::residual_in || p == steer::point::residual_out ? streams : 1;
  }

  /// @throws shape_error if tokens have no such row at that point: that is, always where they have one row, which has no number; `who`
  ///         names the asker
  STEER_API void require_stream(int stream, steer::point p, const std::string& who) const;

  /// @throws shape_error if the model has no such layer or the host does not show that point; `who` names the asker
  STEER_API void require(site s, const std::string& who) const;

  /// @throws argument_error if the host does not supply that fact of its rows; `who` names the asker
  STEER_API void require(row_fact fact, const std::string& who) const;
};

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/core/model_shape.ipp"
#endif
