// steer/recipe/edits/add.hpp: h' = h + dose u.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "steer/recipe/field.hpp"
#include "steer/recipe/form.hpp"
#include "steer/vector/strength_unit.hpp"

namespace steer {
inline namespace v0 {

/// h' = h + dose u
struct add_edit {
  static constexpr std::string_view name = "add";

  steering_vector vector = {};
  float strength = 1.0F;
  /// Empty: `of_norm`, or `raw` for a vector that has no norms. One with norms at some of the layers only is refused.
  std::optional<strength_unit> unit = std::nullopt;
  /// `of_row_norm` only: the largest |h| that counts, as a multiple of the mean row norm. Infinity switches it off.
  float cap = 2.0F;

  bool operator==(const add_edit&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("vector", self.vector);
    visit("strength", self.strength, domain::finite);
    visit("unit", self.unit);
    visit("cap", self.cap, domain::above_zero);
  }

  /// The edit with its default unit made explicit for the layers at which it acts.
  [[nodiscard]] add_edit resolved(const std::vector<int>& layers, const std::string& who) const {
    add_edit out = *this;
    out.unit = detail::unit_or_default(unit, vector, layers, who);
    return out;
  }

  [[nodiscard]] form at(int layer, const std::string& who) const {
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

  /// z = min(|h on entry|, largest)
  static double decide(const double* numbers, const row_reading& row, double* z) noexcept {
    z[0] = std::min(row.entry_norm, numbers[0]);
    return 1.0;
  }

  void apply(int layer, double entry_norm, Eigen::VectorXd& h) const {
    const direction& v = vector.directions.at(layer);
    const double share = *unit == strength_unit::of_row_norm ? std::min(entry_norm, largest_norm(v, {})) : 1.0;
    h += static_cast<double>(strength) * share * detail::size_of(*unit, v, {}) * steer::unit(v);
  }

 private:
  [[nodiscard]] double largest_norm(const direction& v, const std::string& who) const {
    return std::isfinite(cap) ? static_cast<double>(cap) *
                                    detail::measured(v.row_norm, strength_unit::of_row_norm, "mean row norm", who)
                              : std::numeric_limits<double>::infinity();
  }
};

}  // namespace v0
}  // namespace steer
