// steer/extract/angular_plane.hpp: the plane in which a concept turns, from its directions at all layers.
#pragma once

#include <Eigen/Core>
#include <concepts>
#include <string>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/principal_axes.hpp"
#include "steer/vector/plane.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

/// One plane for all layers: its first vector is the layers' direction that agrees best with all the others, its second
/// the first principal component of the unit directions about their mean, made orthogonal to the first.
///
/// The second vector has no sign of its own; it points to the side of the last layer's direction.
///
/// @throws as `check` of a steering vector; numeric_error for fewer than 3 layers, or directions that lie in no plane
/// @cost   O(L² d)
/// @source Vu et al. 2025, arXiv:2510.26243 (Angular Steering); deviation: the sign is determined
template <std::same_as<steering_vector> Vector>
plane angular_plane(const Vector& candidates) {
  check(candidates);
  const std::string who = detail::text({"angular_plane \"", candidates.name, "\""});
  const auto layers = static_cast<Eigen::Index>(candidates.directions.size());
  if (layers < 3) {
    throw numeric_error(detail::text({detail::thing(who), ": has directions at ", detail::actual(layers),
                                      " layers; expected ", detail::expected("at least 3")}));
  }
  matrix<double> units(layers, candidates.width());
  Eigen::Index row = 0;
  for (const auto& [layer, v] : candidates.directions) {
    units.row(row++) = unit(v).transpose();
  }
  Eigen::Index best = 0;
  (units * units.colwise().sum().transpose()).maxCoeff(&best);  // the sum of the cosines with all, itself among them
  const matrix<double> centred = units.rowwise() - units.colwise().mean();
  constexpr double rounding = 1e-6;  // the directions are floats
  if (!(centred.norm() > rounding)) {
    throw numeric_error(
        detail::text({detail::thing(who), ": the layers' directions are ", detail::actual("all the same"),
                      "; they span no plane, expected ", detail::expected("some that differ")}));
  }
  plane out;
  out.first = units.row(best).transpose();
  out.second = detail::principal_axes(centred, 1, who).rows.row(0).transpose();
  if (out.second.dot(units.row(layers - 1).transpose() - units.colwise().mean().transpose()) < 0.0) {
    out.second *= -1.0;
  }
  for (int pass = 0; pass < 2; ++pass) {  // the second pass gives back the digits that the first lost
    out.second -= out.first * out.first.dot(out.second);
    if (!(out.second.norm() > rounding)) {
      throw numeric_error(
          detail::text({detail::thing(who), ": the layers' directions lie ", detail::actual("on one line"),
                        "; they span no plane, expected ", detail::expected("some that differ")}));
    }
    out.second.normalize();
  }
  check(out, who);
  return out;
}

}  // namespace v0
}  // namespace steer
