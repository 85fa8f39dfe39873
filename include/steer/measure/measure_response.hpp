// steer/measure/measure_response.hpp: what doses of steering vectors do to the output of any model that gives logits.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/host.hpp"
#include "steer/core/linkage.hpp"
#include "steer/inject/plan.hpp"
#include "steer/measure/read_out.hpp"
#include "steer/measure/readout.hpp"
#include "steer/recipe/recipe_of.hpp"
#include "steer/vector/response.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

struct response_options {
  steer::dosage dosage = {};
  double step = 0.1;                            ///< about half of the dose to work with, or all of it where several are stacked
  int controls = 0;                             ///< random directions, as long as the vectors, that show what any push does
  std::uint64_t seed = 1;                       ///< of the random directions
  std::function<void(double)> progress = {};    ///< told how much is done, 0 to 1
};

namespace detail {

/// A response with everything but numbers.
STEER_API response unmeasured_response(const std::vector<steering_vector>& vectors, std::vector<std::string> readouts,
                                    const model_shape& shape, const dosage& how, double step);

/// Fills column j from the readouts at one step below and one above: a central difference with its error.
STEER_API void take_slopes(response& out, Eigen::Index j, const std::vector<readings>& less, const std::vector<readings>& more);

/// What can be known before a model runs.
/// @throws as `measure_response`
STEER_API void require_measurable(const std::vector<steering_vector>& vectors, const std::vector<readout>& readouts,
                               const model_shape& shape, const dosage& how, double step, int controls);

/// The vector with other directions of the same lengths, drawn at random.
template <std::uniform_random_bit_generator Engine>
steering_vector random_like(steering_vector v, Engine& engine) {
  std::normal_distribution<float> normal;
  for (auto& [layer, here] : v.directions) {
    const float length = here.values.norm();
    for (float& number : here.values) {
      number = normal(engine);
    }
    here.values *= length / here.values.norm();
  }
  return v;
}

/// Correlation of what each pair's readings do with how much longer its positive text is; 0 where all are as long.
STEER_API double correlation_with_length(const readout& r, const readings& from, const readings& to);

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
///         readout, `recipe::add` and `plan`. As `read_out` while it measures
/// @cost   4 k + 1 passes over the readouts' texts, and 2 for each control
template <logits_host Model>
response measure_response(Model& model, const std::vector<steering_vector>& vectors, const std::vector<readout>& readouts,
                          const response_options& options = {}) {
  const model_shape& shape = model.shape();
  detail::require_measurable(vectors, readouts, shape, options.dosage, options.step, options.controls);
  std::vector<std::string> names;
  std::vector<std::string> warnings;
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    names.push_back(readouts[i].name);
    warnings.insert(warnings.end(), readouts[i].warnings.begin(), readouts[i].warnings.end());
  }
  response out = detail::unmeasured_response(vectors, std::move(names), shape, options.dosage, options.step);
  out.warnings = std::move(warnings);
  const auto k = static_cast<Eigen::Index>(vectors.size());
  const auto passes = static_cast<double>(4 * k + 1 + 2 * options.controls);
  double done = 0.0;
  const auto under_one = [&](const steering_vector& v, double dose) {
    const plan acting{recipe_of({v}, {dose}, options.dosage), shape};
    std::vector<readings> found = read_out(model, readouts, acting);
    if (options.progress) {
      options.progress(++done / passes);
    }
    return found;
  };
  const auto under = [&](std::size_t vector, double dose) { return under_one(vectors[vector], dose); };
  const std::vector<readings> unsteered = under(0, 0.0);
  for (Eigen::Index i = 0; i < k; ++i) {
    out.baseline[i] = value_of(unsteered[static_cast<std::size_t>(i)]).value;
  }
  Eigen::MatrixXd even(k, k);  // what both signs do alike, at the step
  for (Eigen::Index j = 0; j < k; ++j) {
    const auto vector = static_cast<std::size_t>(j);
    const auto less = under(vector, -options.step);
    const auto more = under(vector, options.step);
    const auto much_less = under(vector, -2.0 * options.step);
    const auto much_more = under(vector, 2.0 * options.step);
    detail::take_slopes(out, j, less, more);
    for (Eigen::Index i = 0; i < k; ++i) {
      const auto which = static_cast<std::size_t>(i);
      const estimate far = shift_of(much_less[which], much_more[which]);
      out.bend(i, j) = far.value / (4.0 * options.step) - out.slope(i, j);
      even(i, j) = 0.5 * (shift_of(unsteered[which], less[which]).value + shift_of(unsteered[which], more[which]).value);
      if (readouts[which].sample == readout::sample::pair && i == j) {
        const double correlation = detail::correlation_with_length(readouts[which], less[which], more[which]);
        constexpr double explains_half = 0.7;
        constexpr std::size_t enough = 8;
        if (std::abs(correlation) > explains_half && less[which].samples.size() >= enough) {
          out.warnings.push_back(detail::text({"readout \"", out.readouts[which],
                                               "\": how far a pair moves goes with how much longer "
                                               "its positive text is (correlation ",
                                               correlation, ")"}));
        }
      }
    }
  }
  if (options.controls > 0) {
    out.random_slope = Eigen::VectorXd::Zero(k);
    std::mt19937_64 engine(options.seed);
    for (int control = 0; control < options.controls; ++control) {
      const steering_vector v = detail::random_like(vectors[static_cast<std::size_t>(control) % vectors.size()], engine);
      const auto less = under_one(v, -options.step);
      const auto more = under_one(v, options.step);
      for (Eigen::Index i = 0; i < k; ++i) {
        const auto which = static_cast<std::size_t>(i);
        const double slope = shift_of(less[which], more[which]).value / (2.0 * options.step);
        out.random_slope[i] += slope * slope / options.controls;
      }
    }
    out.random_slope = out.random_slope.cwiseSqrt();
  }
  for (Eigen::Index i = 0; i < k; ++i) {
    const std::string who = detail::text({"readout \"", out.readouts[static_cast<std::size_t>(i)], "\": "});
    const double own = std::abs(out.slope(i, i));
    constexpr double constant = 0.25;
    constexpr double same_way = 0.5;
    Eigen::Index largest = 0;
    out.slope.row(i).cwiseAbs().maxCoeff(&largest);
    if (largest != i) {
      out.warnings.push_back(
          detail::text({who, "moves more by \"", out.vectors[static_cast<std::size_t>(largest)], "\" (",
                        out.slope(i, largest), " nats per unit) than by its own vector (", out.slope(i, i), ")"}));
    }
    if (std::abs(out.bend(i, i)) > constant * own) {
      out.warnings.push_back(
          detail::text({who, "its own slope is ", out.slope(i, i), " at a dose of ", out.step, " and ",
                        out.slope(i, i) + out.bend(i, i), " at ", 2.0 * out.step, "; it is not constant"}));
    }
    if (std::abs(even(i, i)) > same_way * own * out.step) {
      out.warnings.push_back(detail::text({who, "both signs of its own vector move it by ", even(i, i),
                                           " nats the same way; it moves for another reason"}));
    }
    constexpr double beyond_chance = 3.0;
    if (options.controls > 0 && own < beyond_chance * out.random_slope[i]) {
      out.warnings.push_back(detail::text({who, "random directions move it by ", out.random_slope[i],
                                           " nats per unit (root mean "
                                           "square), its own vector by ",
                                           out.slope(i, i), "; it reads more than its concept"}));
    }
  }
  check(out);
  return out;
}

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/measure/measure_response.ipp"
#endif
