// steer/compose/try_orders.hpp: two edits in both orders, on rows along everything that they name.
#pragma once

#include <string_view>
#include <vector>
#include <Eigen/Core>

#include "steer/compose/overlap.hpp"
#include "steer/core/linkage.hpp"
#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Collects the directions that an edit or a condition names, as unit rows, and the largest mean row norm.
struct named_directions {
  int layer;
  std::vector<Eigen::VectorXd> units = {};
  double size = 0.0;
  Eigen::Index width = 0;

  /// @throws shape_error if the parts of the edit have different widths
  STEER_API void fit(Eigen::Index to);
  STEER_API void take(const Eigen::VectorXd& row);
  STEER_API void operator()(std::string_view, const steering_vector& v);
  STEER_API void operator()(std::string_view name, const std::vector<steering_vector>& vectors);
  STEER_API void operator()(std::string_view, const plane& p);
  STEER_API void operator()(std::string_view, const affine_map& map);
  template <class Other, class... Domain>
  void operator()(std::string_view, const Other&, Domain...) {}
};

STEER_API named_directions named_by(const edit& e, int layer);

/// What one edit makes of its columns of a row, its gate open and its schedule at full weight.
/// @shape  entry, h [d], of which the edit takes `width` columns from `first` on
STEER_API Eigen::VectorXd applied(const edit& e, int layer, Eigen::Index first, Eigen::Index width,
                                  const Eigen::VectorXd& entry, Eigen::VectorXd h);

/// The largest difference of the two orders at a layer, gates open, as a share of the row's norm.
STEER_API double try_orders(const edit& a, const edit& b, int layer);

/// By how much an edit moves at a layer what a condition of another's gate reads there, as a share of what it can read.
STEER_API double gate_moved(const edit& gated, const condition& c, const edit& other, int layer);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/compose/try_orders.ipp"
#endif
