// steer/measure/measure_response.hpp: what doses of steering vectors do to the output of any model that gives logits.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/hook_ref.hpp"
#include "steer/core/host.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/measure/take_readings.hpp"
#include "steer/measure/readout.hpp"
#include "steer/recipe/recipe.hpp"
#include "steer/vector/response.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

struct response_options {
  steer::dose_unit dose_unit = {};
  double step = 0.1;                            ///< about half of the dose to work with, or all of it where several are stacked
  int controls = 0;                             ///< random directions, as long as the vectors, that show what any push does
  std::uint64_t seed = 1;                       ///< of the random directions
  std::function<void(double)> progress = {};    ///< told how much is done, 0 to 1
};

/// A response with everything but numbers, for who measures it in a way of their own: a column at a time, by `take_slopes`.
STEER_API response unmeasured_response(const std::vector<steering_vector>& vectors, std::vector<std::string> readouts,
                                       const model_shape& shape, const dose_unit& how, double step);

/// Fills column j from the readouts at one step below and one above: a central difference with its error.
STEER_API void take_slopes(response& out, Eigen::Index j, const std::vector<readings>& less, const std::vector<readings>& more);

/// The vector with random directions of the same lengths: a control, which shows what any push does.
/// @param draw  gives normally distributed numbers
STEER_API steering_vector random_like(steering_vector v, const std::function<float()>& draw);

namespace detail {

/// What `measure_response` does, for a host of any type.
/// @param read  the readouts under a hook
STEER_API response measure_response(const model_shape& shape, const std::vector<steering_vector>& vectors,
                                    const std::vector<readout>& readouts,
                                    const std::function<std::vector<readings>(hook_ref<float> hook)>& read,
                                    const response_options& options);
STEER_API response measure_response(const model_shape& shape, const std::vector<recipe>& recipes,
                                    const std::vector<readout>& readouts,
                                    const std::function<std::vector<readings>(hook_ref<float> hook)>& read,
                                    const response_options& options);

}  // namespace detail

/// Measures the response of each readout to a dose of each vector: central differences at a step and at twice the step.
///
///     B_ij = [readout_i(+step of vector j) - readout_i(-step of vector j)] / 2 step
///
/// Warnings name a readout that moves for another reason than its concept: its pairs' lengths explain the shift, both signs
/// move it the same way, another vector moves it more than its own, random directions move it nearly as much; and a slope that
/// is not constant.
///
/// @param readouts  one for each vector, of the concept that it steers
/// @throws before the first pass: argument_error if there are not as many readouts as vectors, a readout has less than two
///         samples, the step is not above 0 or controls are below 0; as `+` if the vectors do not belong together, `check` of a
///         readout, `recipe::add` and `plan`. As `take_readings` while it measures
/// @cost   4 k + 1 passes over the readouts' texts, and 2 for each control
template <logits_host Model>
response measure_response(Model& model, const std::vector<steering_vector>& vectors, const std::vector<readout>& readouts,
                          const response_options& options = {}) {
  return detail::measure_response(model.shape(), vectors, readouts,
                                  [&](hook_ref<float> hook) { return take_readings(model, readouts, hook); }, options);
}

/// The same of whole recipes, such as fitted ones: a dose is so much of everything in one (`with_dose`), and each is named as its readout.
/// `recipe_of(recipes, doses)` gives doses of the response; its unit is of no use here.
/// @throws as above, and argument_error if controls are asked for, or for an edit without a dose
template <logits_host Model>
response measure_response(Model& model, const std::vector<recipe>& recipes, const std::vector<readout>& readouts,
                          const response_options& options = {}) {
  return detail::measure_response(model.shape(), recipes, readouts,
                                  [&](hook_ref<float> hook) { return take_readings(model, readouts, hook); }, options);
}

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/measure/measure_response.ipp"
#endif
