// steer/guard/effects.hpp: what the edits of a recipe may write into a row at worst, site by site.
#pragma once

#include <cstddef>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/core/site.hpp"
#include "steer/guard/policy.hpp"
#include "steer/recipe/gate.hpp"
#include "steer/recipe/recipe.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// What one edit may add to a row at one site, its gate open and at its cap.
///
/// @shape constant [D], D the width of the site; span [m, D], orthonormal; map [D, n]
struct effect {
  std::size_t edit = 0;  ///< its place in the recipe
  std::string who = {};
  site where = {};
  /// Which rows: 0 all of them; effects of the same number above 0 act on the same rows; -1: rows that a gate's conditions choose.
  std::ptrdiff_t rows = 0;
  Eigen::VectorXd constant = {};  ///< what every row that it acts on receives; empty where that depends on the row
  matrix<double> span = {};       ///< else the directions along which it writes
  matrix<double> map = {};        ///< or a matrix whose columns it writes
  bool anywhere = false;          ///< or it may write along any
  double reach = 0.0;             ///< the longest addition to a row of the mean norm; infinity where there is no limit

  [[nodiscard]] bool is_constant() const noexcept { return constant.size() > 0; }
  /// Whether it may be there while others are not.
  [[nodiscard]] bool is_conditional() const noexcept { return rows != 0 || !is_constant(); }
};

/// The largest share that a gate lets through, without its own `share`: infinity for one without a cap.
STEER_API double most_open(const gate& g) noexcept;

/// The effects of all edits that write, in the order of their sites.
///
/// A row has the site's mean length on entry, and is as much longer as the edits before may make it; where the mean is not known, what
/// depends on it has infinite reach. What a norm mode does afterwards, which turns no row, is left out.
/// @throws as `basic_plan` of the recipe
/// @cost   O(m² D) for each edit and layer, m directions written
STEER_API std::vector<effect> effects_of(const recipe& stack, const model_shape& shape, const row_norms& norms);

/// Orthonormal rows that span the same; those that add nothing are left out.
/// @shape rows [n, D]; returns [m, D], m <= n
STEER_API matrix<double> orthonormal(const matrix<double>& rows);

/// The largest share, by length, of a vector in the span of one that lies in another: the cosine of the smallest angle between them.
/// @shape basis [k, D], span [m, D], both orthonormal
STEER_API double share_inside(const matrix<double>& basis, const matrix<double>& span);

/// |B v| / |v|, 0 where |v| is 0.
STEER_API double share_inside(const matrix<double>& basis, const Eigen::VectorXd& v);

/// The largest share of an effect. Of one with a `map`, whose range is not looked for: 0 if nothing of it lies inside, else 1.
STEER_API double share_inside(const matrix<double>& basis, const effect& e);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/guard/effects.ipp"
#endif
