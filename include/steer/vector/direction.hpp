// steer/vector/direction.hpp: one direction at one site.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <optional>
#include <string>

#include "steer/core/error.hpp"
#include "steer/vector/evidence.hpp"

namespace steer {
inline namespace v0 {

/// A vector in the space of one site's activations, with what is needed to give it a dose.
///
/// @shape values [d]; origin [d] or empty
/// @units those of the activations
struct direction {
  Eigen::VectorXf values = {};          ///< as extracted: from the negative to the positive side, unnormalised
  std::optional<double> row_norm = std::nullopt;  ///< mean |h| over the extraction texts' rows, position 0 left out
  std::optional<double> spread = std::nullopt;    ///< standard deviation of the texts' projections on the unit direction
  Eigen::VectorXf origin = {};          ///< midpoint of the two sides' means; empty if unknown
  steer::evidence evidence = {};

  bool operator==(const direction& other) const {
    const auto equal = [](const Eigen::VectorXf& a, const Eigen::VectorXf& b) { return a.size() == b.size() && a == b; };
    return equal(values, other.values) && row_norm == other.row_norm && spread == other.spread &&
           equal(origin, other.origin) && evidence == other.evidence;
  }
};

/// @throws shape_error if a width is 0 or the origin's differs; numeric_error if a number is not finite or the norm is
///         zero; `who` names the direction in the message
inline void check(const direction& v, const std::string& who) {
  if (v.values.size() == 0) {
    throw shape_error(detail::text({detail::thing(who), ": the direction is ", detail::actual("empty"), "; expected ",
                                    detail::expected("a width of at least 1")}));
  }
  for (Eigen::Index i = 0; i < v.values.size(); ++i) {
    if (!std::isfinite(v.values[i])) {
      throw numeric_error(detail::text({detail::thing(who), ": element ", i, " is ", detail::actual(v.values[i]),
                                        "; expected ", detail::expected("a finite number")}));
    }
  }
  if (v.values.cast<double>().squaredNorm() == 0.0) {
    throw numeric_error(detail::text({detail::thing(who), ": the direction is ", detail::actual("zero"),
                                      "; a direction needs ", detail::expected("a norm above 0")}));
  }
  const auto positive = [&](const std::optional<double>& value, const char* name) {
    if (value && !(std::isfinite(*value) && *value > 0.0)) {
      throw numeric_error(detail::text({detail::thing(who), ": ", name, " is ", detail::actual(*value), "; expected ",
                                        detail::expected("a finite number above 0")}));
    }
  };
  positive(v.row_norm, "the mean row norm");
  positive(v.spread, "the spread");
  check(v.evidence, who);
  if (v.origin.size() != 0 && v.origin.size() != v.values.size()) {
    throw shape_error(detail::text({detail::thing(who), ": the origin has width ", detail::actual(v.origin.size()),
                                    "; expected ", detail::expected({v.values.size(), " or none"})}));
  }
  if (!v.origin.allFinite()) {
    throw numeric_error(detail::text({detail::thing(who), ": the origin holds ", detail::actual("NaN or infinity"),
                                      "; expected ", detail::expected("finite numbers")}));
  }
}

/// v / |v| in double; `v` must have passed `check`.
/// @shape returns [d]
inline Eigen::VectorXd unit(const direction& v) { return v.values.cast<double>().normalized(); }

}  // namespace v0
}  // namespace steer
