// steer/measure/dose.hpp: targets in nats in, a recipe out.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/recipe/recipe.hpp"
#include "steer/vector/response.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

/// What counts as a response that can be inverted.
struct invertible {
  double least_signal = 4.0;      ///< a concept's own slope is at least so many standard errors from 0
  double most_condition = 30.0;   ///< of `condition_number(response)`
};

struct dose_options {
  steer::invertible invertible = {};
  double most = std::numeric_limits<double>::infinity();  ///< the largest |dose|
};

/// Doses, the recipe that gives them and what they are expected to do.
struct dosed {
  std::vector<double> doses = {};
  steer::recipe recipe = {};
  std::vector<estimate> expected = {};  ///< shift of each readout, in nats
};

namespace detail {

/// B⁻¹.
/// @throws argument_error for limits without meaning; numeric_error naming the concept that does not respond, or the condition
STEER_API Eigen::MatrixXd inverse_response(const response& r, const invertible& limits, const std::string& who);

/// Targets in nats as a vector.
/// @throws argument_error if there are not k, or one is not finite
STEER_API Eigen::VectorXd nats_of(const std::vector<double>& targets, std::size_t k, const std::string& who);

}  // namespace detail

/// The doses B⁻¹ t, which meet all targets at once as far as the response is linear: a concept whose target is 0 is held
/// still.
///
///     model.generate(text, steer::plan{steer::dose(vectors, response, {2.0, 0.0, -1.0}).recipe, model.shape()});
///
/// @param vectors  those that the response was measured with, in the same order
/// @param targets  the shift of each readout, in nats
/// @throws argument_error if vectors or targets do not fit the response, or a number has no meaning; numeric_error with the
///         reason if a concept does not respond, the response is ill-conditioned, or a dose would be larger than `most`
/// @cost   O(k³)
STEER_API dosed dose(const std::vector<steering_vector>& vectors, const response& measured, const std::vector<double>& targets,
                  const dose_options& options = {});

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/measure/dose.ipp"
#endif
