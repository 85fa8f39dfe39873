// steer/recipe/edits/bound.hpp: coordinates are set, capped, floored or kept within an interval, jointly.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "steer/kernel/rounded_product.hpp"
#include "steer/recipe/field.hpp"
#include "steer/recipe/form.hpp"
#include "steer/vector/strength_unit.hpp"
#include "steer/vector/frame.hpp"

namespace steer {
inline namespace v0 {

/// Where a coordinate is 0.
enum class coordinate_origin : std::uint8_t {
  zero,      ///< at h = 0
  midpoint,  ///< at the vector's origin, between the two sides' means
};
constexpr coordinate_origin last_of(coordinate_origin) noexcept { return coordinate_origin::midpoint; }

namespace detail {

/// The directions of several concepts at one layer.
inline std::vector<const direction*> directions_at(const std::vector<steering_vector>& vectors, int layer) {
  std::vector<const direction*> out;
  for (const steering_vector& v : vectors) {
    out.push_back(&v.directions.at(layer));
  }
  return out;
}

/// u_i . origin_i for each direction, or zeros.
/// @throws argument_error if an origin is asked for and unknown
inline Eigen::VectorXd origin_coordinates(const std::vector<const direction*>& directions, coordinate_origin origin,
                                          const std::string& who) {
  Eigen::VectorXd out = Eigen::VectorXd::Zero(static_cast<Eigen::Index>(directions.size()));
  if (origin == coordinate_origin::midpoint) {
    for (std::size_t i = 0; i < directions.size(); ++i) {
      const direction& v = *directions[i];
      if (v.origin.size() == 0) {
        throw argument_error(text(who, ": coordinates from the midpoint need the vector's origin, which direction ", i,
                                  " does not have"));
      }
      out[static_cast<Eigen::Index>(i)] = unit(v).dot(v.origin.cast<double>());
    }
  }
  return out;
}

}  // namespace detail

/// h' = h + Vᵀ G⁻¹ (t - c), c = V (h - origin), t = c cut to [low, high], V the unit directions and G = V Vᵀ.
///
/// Equal bounds set the coordinates; low alone is a floor, high alone a cap. All coordinates are met at once, also where
/// the directions are not orthogonal; one edit after the other would undo each other in part.
struct bound_edit {
  static constexpr std::string_view name = "bound";

  std::vector<steering_vector> vectors = {};
  std::vector<float> low = {};                             ///< one for each vector; -infinity: none
  std::vector<float> high = {};                            ///< one for each vector; infinity: none
  strength_unit unit = strength_unit::unit;                ///< of the bounds; any but `of_row_norm`
  coordinate_origin origin = coordinate_origin::zero;
  float ridge = 0.0F;                                      ///< see `frame_options`

  bool operator==(const bound_edit&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("vector", self.vectors);
    visit("low", self.low, domain::bound);
    visit("high", self.high, domain::bound);
    visit("unit", self.unit);
    visit("origin", self.origin);
    visit("ridge", self.ridge, domain::not_negative);
  }

  void check_more(const std::string& who) const {
    if (vectors.empty() || low.size() != vectors.size() || high.size() != vectors.size()) {
      throw argument_error(detail::text(who, ": has ",
                                        detail::actual(vectors.size(), " vectors, ", low.size(), " low and ", high.size(),
                                                       " high bounds"),
                                        "; expected ", detail::expected("the same number, at least one")));
    }
    for (std::size_t i = 0; i < low.size(); ++i) {
      if (low[i] > high[i] || low[i] == infinity || high[i] == -infinity) {
        throw argument_error(
            detail::text(who, ": bounds ", i, " are ", detail::actual(low[i], " and ", high[i]), "; expected ",
                         detail::expected("low <= high")));
      }
    }
    if (unit == strength_unit::of_row_norm) {
      throw argument_error(
          detail::text(who, ": bounds have no unit ", detail::actual("of_row_norm"), "; expected ",
                       detail::expected("raw, unit, of_norm or sigma")));
    }
  }

  [[nodiscard]] form at(int layer, const std::string& who) const {
    const parts here = parts_at(layer, who);
    const Eigen::Index k = here.frame.size();
    low_rank_form out;
    out.read = here.frame.directions();
    out.write = here.frame.directions();
    if (here.low == here.high) {
      return low_rank_form::affine(out.read, out.write, -here.frame.inverse(),
                                   here.frame.inverse().lazyProduct(here.low));
    }
    out.decided_by = low_rank_form::policy::own;
    out.numbers.push_back(static_cast<double>(k));
    for (const auto* part : {&here.low, &here.high}) {
      out.numbers.insert(out.numbers.end(), part->begin(), part->end());
    }
    const Eigen::MatrixXd& inverse = here.frame.inverse();  // symmetric, so its layout does not matter
    out.numbers.insert(out.numbers.end(), inverse.data(), inverse.data() + inverse.size());
    return out;
  }

  /// z = G⁻¹ (cut(c) - c); numbers are k, low [k], high [k], G⁻¹ [k, k]
  static double decide(const double* numbers, const row_reading& row, double* z) noexcept {
    const auto k = static_cast<std::ptrdiff_t>(numbers[0]);
    const double* const low = numbers + 1;
    const double* const high = low + k;
    std::fill(z, z + k, 0.0);
    for (std::ptrdiff_t i = 0; i < k; ++i) {
      const double beyond = std::clamp(row.c[i], low[i], high[i]) - row.c[i];
      if (beyond != 0.0) {
        const double* const column = high + k + i * k;
        for (std::ptrdiff_t j = 0; j < k; ++j) {
          z[j] += kernel::rounded_product(column[j], beyond);
        }
      }
    }
    return 1.0;
  }

  void apply(int layer, double, Eigen::VectorXd& h) const {
    const parts here = parts_at(layer, {});
    const Eigen::VectorXd c = here.frame.directions().lazyProduct(h);
    const Eigen::VectorXd target = c.cwiseMax(here.low).cwiseMin(here.high);
    const Eigen::VectorXd z = here.frame.inverse().lazyProduct(target - c);
    h += here.frame.directions().transpose().lazyProduct(z);
  }

 private:
  static constexpr float infinity = std::numeric_limits<float>::infinity();

  struct parts {
    steer::frame frame;
    Eigen::VectorXd low;  // in coordinates V h, the origin's added
    Eigen::VectorXd high;
  };

  [[nodiscard]] parts parts_at(int layer, const std::string& who) const {
    const auto directions = detail::directions_at(vectors, layer);
    const Eigen::VectorXd zero = detail::origin_coordinates(directions, origin, who);
    parts out{frame(directions, who, {.ridge = static_cast<double>(ridge)}), zero, zero};
    for (std::size_t i = 0; i < directions.size(); ++i) {
      const double size = detail::size_of(unit, *directions[i], who);
      out.low[static_cast<Eigen::Index>(i)] += size * static_cast<double>(low[i]);
      out.high[static_cast<Eigen::Index>(i)] += size * static_cast<double>(high[i]);
    }
    return out;
  }
};

}  // namespace v0
}  // namespace steer
