// steer/vector/direction.hpp: one direction at one site.
#pragma once

#include <optional>
#include <string>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
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

  STEER_API bool operator==(const direction& other) const;
};

/// @throws shape_error if a width is 0 or the origin's differs; numeric_error if a number is not finite or the norm is
///         zero; `who` names the direction in the message
STEER_API void check(const direction& v, const std::string& who);

/// v / |v| in double; `v` must have passed `check`.
/// @shape returns [d]
STEER_API Eigen::VectorXd unit(const direction& v);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/vector/direction.ipp"
#endif
