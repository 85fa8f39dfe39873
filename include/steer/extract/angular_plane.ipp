// steer/extract/angular_plane.ipp: the bodies of angular_plane.hpp.
#pragma once

#include <string>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/angular_plane.hpp"
#include "steer/extract/principal_axes.hpp"
#include "steer/vector/direction.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY plane angular_plane(const steering_vector& candidates) {
  check(candidates);
  const std::string who = text({"angular_plane \"", candidates.name, "\""});
  const auto layers = static_cast<Eigen::Index>(candidates.directions.size());
  if (layers < 3) {
    throw numeric_error(
        text({thing(who), ": has directions at ", actual(layers), " layers; expected ", expected("at least 3")}));
  }
  matrix<Real> units(layers, candidates.width());
  Eigen::Index row = 0;
  for (const auto& [layer, v] : candidates.directions) {
    const Eigen::VectorX<Real> direction = unit(v);
    units.row(row++) = direction.transpose();
  }
  Eigen::Index best = 0;
  (units * units.colwise().sum().transpose()).maxCoeff(&best);  // the sum of the cosines with all, itself among them
  const matrix<Real> centred = units.rowwise() - units.colwise().mean();
  constexpr double rounding = 1e-6;  // the directions are floats
  if (!(centred.norm() > rounding)) {
    throw numeric_error(text({thing(who), ": the layers' directions are ", actual("all the same"),
                              "; they span no plane, expected ", expected("some that differ")}));
  }
  const detail::axes found = detail::principal_axes(centred, 1, who);
  const matrix<Real>& axis = found.rows;
  const Eigen::VectorX<Real> first = units.row(best).transpose();
  Eigen::VectorX<Real> second = axis.row(0).transpose();
  if (second.dot(units.row(layers - 1).transpose() - units.colwise().mean().transpose()) < 0.0) {
    second *= -1.0;
  }
  for (int pass = 0; pass < 2; ++pass) {  // the second pass gives back the digits that the first lost
    second -= first * first.dot(second);
    if (!(second.norm() > rounding)) {
      throw numeric_error(text({thing(who), ": the layers' directions lie ", actual("on one line"),
                                "; they span no plane, expected ", expected("some that differ")}));
    }
    second.normalize();
  }
  plane out{first, second};
  check(out, who);
  return out;
}

}  // namespace v0
}  // namespace steer
