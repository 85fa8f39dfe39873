// steer/vector/plane.ipp: the bodies of plane.hpp.
#pragma once

#include <cmath>
#include <string>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/vector/direction.hpp"
#include "steer/vector/plane.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY bool plane::operator==(const plane& other) const {
  return first.size() == other.first.size() && second.size() == other.second.size() && first == other.first &&
         second == other.second;
}

STEER_BODY void check(const plane& p, const std::string& who) {
  if (p.first.size() == 0 || p.first.size() != p.second.size()) {
    throw shape_error(
        text({thing(who), ": the plane's vectors have widths ", actual({p.first.size(), " and ", p.second.size()}),
              "; expected ", expected("one width of at least 1")}));
  }
  constexpr double rounding = 1e-9;
  const double a = p.first.norm();
  const double b = p.second.norm();
  const double cosine = p.first.dot(p.second);
  if (!(std::abs(a - 1.0) <= rounding && std::abs(b - 1.0) <= rounding && std::abs(cosine) <= rounding)) {
    throw numeric_error(
        text({thing(who), ": the plane's vectors have ", actual({"norms ", a, " and ", b, " and product ", cosine}),
              "; expected ", expected("an orthonormal pair"), " (see plane_through)"}));
  }
}

STEER_BODY plane plane_through(const direction& axis, const direction& towards, const std::string& who) {
  check(axis, text({who, ", first direction"}));
  check(towards, text({who, ", second direction"}));
  if (axis.values.size() != towards.values.size()) {
    throw shape_error(text({thing(who), ": the directions have widths ", expected(axis.values.size()), " and ",
                            actual(towards.values.size()), "; expected the same"}));
  }
  const Eigen::VectorX<Real> first = unit(axis);
  const Eigen::VectorX<Real> other = unit(towards);
  Eigen::VectorX<Real> second = other - first * first.dot(other);
  constexpr double parallel = 1e-3;  // of a Gram matrix whose condition number is about 4e6
  if (!(second.norm() > parallel)) {
    throw numeric_error(text({thing(who), ": the directions are parallel, with cosine ", actual(first.dot(other)),
                              "; they span no plane, expected ", expected("two that differ")}));
  }
  second.normalize();
  second -= first * first.dot(second);  // once more: the first time lost digits
  second.normalize();
  return {first, second};
}

}  // namespace v0
}  // namespace steer
