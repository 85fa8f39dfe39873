// steer/vector/measured_vectors.hpp: steering vectors together with what their doses do.
#pragma once

#include <string>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/vector/response.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// @throws argument_error if the response was not measured with these vectors
STEER_API void require_measured(const std::vector<steering_vector>& vectors, const response& r, const std::string& who);

}  // namespace detail

/// Vectors and what their doses do, in the response's order.
struct measured_vectors {
  std::vector<steering_vector> vectors = {};
  steer::response response = {};

  bool operator==(const measured_vectors&) const = default;
};

/// @throws as `check` of a response and of each vector; argument_error if the response was measured with other vectors
STEER_API void check(const measured_vectors& measured);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/vector/measured_vectors.ipp"
#endif
