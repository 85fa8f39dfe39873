// steer/vector/direction.ipp: the bodies of direction.hpp.
#pragma once

#include <cmath>
#include <optional>
#include <string>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/vector/direction.hpp"
#include "steer/vector/evidence.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY bool direction::operator==(const direction& other) const {
  const auto equal = [](const Eigen::VectorXf& a, const Eigen::VectorXf& b) { return a.size() == b.size() && a == b; };
  return equal(values, other.values) && row_norm == other.row_norm && spread == other.spread &&
         equal(origin, other.origin) && evidence == other.evidence;
}

STEER_BODY void check(const direction& v, const std::string& who) {
  if (v.values.size() == 0) {
    throw shape_error(
        text({thing(who), ": the direction is ", actual("empty"), "; expected ", expected("a width of at least 1")}));
  }
  for (Eigen::Index i = 0; i < v.values.size(); ++i) {
    if (!std::isfinite(v.values[i])) {
      throw numeric_error(
          text({thing(who), ": element ", i, " is ", actual(v.values[i]), "; expected ", expected("a finite number")}));
    }
  }
  if (v.values.cast<Real>().squaredNorm() == 0.0) {
    throw numeric_error(
        text({thing(who), ": the direction is ", actual("zero"), "; a direction needs ", expected("a norm above 0")}));
  }
  const auto positive = [&](const std::optional<double>& value, const char* name) {
    if (value && !(std::isfinite(*value) && *value > 0.0)) {
      throw numeric_error(
          text({thing(who), ": ", name, " is ", actual(*value), "; expected ", expected("a finite number above 0")}));
    }
  };
  positive(v.row_norm, "the mean row norm");
  positive(v.spread, "the spread");
  check(v.evidence, who);
  if (v.origin.size() != 0 && v.origin.size() != v.values.size()) {
    throw shape_error(text({thing(who), ": the origin has width ", actual(v.origin.size()), "; expected ",
                            expected({v.values.size(), " or none"})}));
  }
  if (!v.origin.allFinite()) {
    throw numeric_error(text(
        {thing(who), ": the origin holds ", actual("NaN or infinity"), "; expected ", expected("finite numbers")}));
  }
}

STEER_BODY Eigen::VectorXd unit(const direction& v) { return v.values.cast<Real>().normalized(); }

}  // namespace v0
}  // namespace steer
