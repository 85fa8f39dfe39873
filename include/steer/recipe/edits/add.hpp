// steer/recipe/edits/add.hpp: h' = h + dose u.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
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
  STEER_API [[nodiscard]] add_edit resolved(const std::vector<int>& layers, const std::string& who) const;

  STEER_API [[nodiscard]] form at(int layer, const std::string& who) const;

  /// z = min(|h on entry|, largest)
  STEER_API static double decide(const double* numbers, const row_reading& row, double* z) noexcept;

  STEER_API void apply(int layer, double entry_norm, Eigen::VectorXd& h) const;

 private:
  STEER_API [[nodiscard]] double largest_norm(const direction& v, const std::string& who) const;
};

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/recipe/edits/add.ipp"
#endif
