// steer/vector/steering_vector.hpp: one concept, a direction per layer.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/core/site.hpp"
#include "steer/vector/direction.hpp"

namespace steer {
inline namespace v0 {

/// Where a steering vector comes from.
struct provenance {
  std::string model = {};        ///< name of the model it was measured on
  std::string fingerprint = {};  ///< of that model's weights; empty if unknown, then it is not checked
  std::string method = {};       ///< "mean_difference"
  std::string contrast = {};     ///< "happy - sad", free text
  std::string tokens = {};       ///< which tokens of a text were pooled
  std::size_t positives = 0;
  std::size_t negatives = 0;  ///< texts per side

  bool operator==(const provenance&) const = default;
};

/// A concept as directions at one point of several layers.
struct steering_vector {
  std::string name = {};
  steer::point point = steer::point::residual_out;
  std::map<int, direction> directions = {};  ///< by zero-based layer, all of one width
  provenance source = {};

  [[nodiscard]] Eigen::Index width() const {
    return directions.empty() ? 0 : directions.begin()->second.values.size();
  }

  bool operator==(const steering_vector&) const = default;
};

/// @throws shape_error if there is no direction, a layer is negative or widths differ; argument_error if the point does not
///         exist; numeric_error as for a direction
STEER_API void check(const steering_vector& v);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/vector/steering_vector.ipp"
#endif
