// steer/recipe/edits/add.ipp: the bodies of add.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/real.hpp"
#include "steer/recipe/edits/add.hpp"
#include "steer/recipe/form.hpp"
#include "steer/vector/strength_unit.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY add_edit add_edit::resolved(const std::vector<int>& layers, const std::string& who) const {
  add_edit out = *this;
  out.unit = detail::unit_or_default(unit, vector, layers, who);
  return out;
}

STEER_BODY form add_edit::at(int layer, const std::string& who) const {
  const direction& v = vector.directions.at(layer);
  const double size = detail::size_of(*unit, v, who);
  low_rank_form out = low_rank_form::addition(
      *unit == strength_unit::raw ? Eigen::VectorXd(static_cast<double>(strength) * v.values.cast<double>())
                                  : Eigen::VectorXd(static_cast<double>(strength) * steer::unit(v) * size));
  if (*unit == strength_unit::of_row_norm) {
    out.decided_by = low_rank_form::policy::own;
    out.asks_for = low_rank_form::norm::entry;
    out.numbers = {largest_norm(v, who)};
  }
  return out;
}

STEER_BODY double add_edit::decide(const double* numbers, const row_reading& row, double* z) noexcept {
  z[0] = std::min(row.entry_norm, numbers[0]);
  return 1.0;
}

STEER_BODY void add_edit::apply(int layer, double entry_norm, Eigen::VectorXd& h) const {
  const direction& v = vector.directions.at(layer);
  const double share = *unit == strength_unit::of_row_norm ? std::min(entry_norm, largest_norm(v, {})) : 1.0;
  h += static_cast<double>(strength) * share * detail::size_of(*unit, v, {}) * steer::unit(v);
}

STEER_BODY double add_edit::largest_norm(const direction& v, const std::string& who) const {
  return std::isfinite(cap) ? static_cast<double>(cap) *
                                  detail::measured(v.row_norm, strength_unit::of_row_norm, "mean row norm", who)
                            : std::numeric_limits<double>::infinity();
}

}  // namespace v0
}  // namespace steer
