// steer/measure/measure_response.ipp: the bodies of measure_response.hpp.
#pragma once

#include <cmath>
#include <cstddef>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "steer/compose/algebra.hpp"
#include "steer/core/error.hpp"
#include "steer/core/hook_ref.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/core/real.hpp"
#include "steer/inject/plan.hpp"
#include "steer/measure/measure_response.hpp"
#include "steer/measure/take_readings.hpp"
#include "steer/measure/readout.hpp"
#include "steer/recipe/recipe_of.hpp"
#include "steer/vector/response.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

namespace detail {

template <class Real>
response unmeasured(std::vector<std::string> vectors, std::vector<std::string> readouts, const model_shape& shape, const dose_unit& how,
                    double step) {
  const auto k = static_cast<Eigen::Index>(vectors.size());
  response out{.readouts = std::move(readouts),
               .vectors = std::move(vectors),
               .model = shape.name,
               .fingerprint = shape.fingerprint,
               .dose_unit = how,
               .step = step};
  out.baseline.setZero(k);
  out.slope.setZero(k, k);
  out.error.setZero(k, k);
  out.bend.setZero(k, k);
  return out;
}

template <class Real>
std::vector<std::string> names_of(const std::vector<steering_vector>& vectors) {
  std::vector<std::string> out;
  for (const steering_vector& v : vectors) {
    out.push_back(v.name);
  }
  return out;
}

}  // namespace detail

STEER_BODY response unmeasured_response(const std::vector<steering_vector>& vectors, std::vector<std::string> readouts,
                                        const model_shape& shape, const dose_unit& how, double step) {
  return detail::unmeasured<Real>(detail::names_of<Real>(vectors), std::move(readouts), shape, how, step);
}

STEER_BODY void take_slopes(response& out, Eigen::Index j, const std::vector<readings>& less, const std::vector<readings>& more) {
  for (Eigen::Index i = 0; i < out.slope.rows(); ++i) {
    const auto which = static_cast<std::size_t>(i);
    const estimate moved = shift_of(less[which], more[which]);
    out.slope(i, j) = moved.value / (2.0 * out.step);
    out.error(i, j) = moved.error / (2.0 * out.step);
  }
}

namespace detail {

/// What is dosed, whether vectors or recipes.
struct dosed_things {
  const char* what;
  std::vector<std::string> names;
  std::function<recipe(std::size_t j, double dose)> recipe_of;
  std::function<recipe(std::size_t control, double dose)> control_of = {};
};

template <class Real>
void require_measurable(const dosed_things& things, const std::vector<readout>& readouts, const model_shape& shape, double step,
                        int controls) {
  const std::string who = "response";
  if (things.names.empty() || readouts.size() != things.names.size()) {
    throw argument_error(text({who, ": has ", expected(things.names.size()), " ", things.what, " and ", actual(readouts.size()),
                               " readouts; expected as many, at least one"}));
  }
  const auto largest = static_cast<float>(2.0 * step);  // strengths are floats
  if (!(std::isfinite(largest) && static_cast<float>(step) > 0.0F) || controls < 0) {
    throw argument_error(text({who, ": the step is ", actual(step), ", with ", controls, " controls; expected ",
                               expected("a step above 0 and no negative count"), ", and twice the step as a float"}));
  }
  for (std::size_t i = 0; i < things.names.size(); ++i) {
    check(readouts[i]);
    const bool pairs = readouts[i].sample == readout::sample::pair;
    if (const std::size_t samples = readouts[i].texts.size() / (pairs ? 2 : 1); samples < 2) {
      throw argument_error(text({thing({"readout \"", readouts[i].name, "\""}), ": has ", actual("1 sample"),
                                 "; expected ", expected("at least 2"), ", or no slope has an error"}));
    }
    static_cast<void>(plan{things.recipe_of(i, 2.0 * step), shape});
  }
}

template <class Real>
double correlation_with_length(const readout& r, const readings& from, const readings& to) {
  const auto n = static_cast<Eigen::Index>(from.samples.size());
  Eigen::ArrayX<Real> longer(n);
  Eigen::ArrayX<Real> moved(n);
  for (Eigen::Index s = 0; s < n; ++s) {
    const auto at = static_cast<std::size_t>(s);
    longer[s] = static_cast<double>(r.texts[2 * at].size()) - static_cast<double>(r.texts[2 * at + 1].size());
    moved[s] = to.samples[at].first - from.samples[at].first;
  }
  longer -= longer.mean();
  moved -= moved.mean();
  const double size = std::sqrt(longer.square().sum() * moved.square().sum());
  return size > 0.0 ? (longer * moved).sum() / size : 0.0;
}

}  // namespace detail

STEER_BODY steering_vector random_like(steering_vector v, const std::function<float()>& draw) {
  for (auto& [layer, here] : v.directions) {
    const float length = here.values.norm();
    for (Eigen::Index i = 0; i < here.values.size(); ++i) {
      here.values[i] = draw();
    }
    here.values *= length / here.values.norm();
  }
  return v;
}

namespace detail {

template <class Real>
response response_to(const model_shape& shape, const dosed_things& things, const std::vector<readout>& readouts,
                     const std::function<std::vector<readings>(hook_ref<float> hook)>& read, const response_options& options) {
  require_measurable<Real>(things, readouts, shape, options.step, options.controls);
  std::vector<std::string> names;
  std::vector<std::string> warnings;
  for (const readout& each : readouts) {
    names.push_back(each.name);
    warnings.insert(warnings.end(), each.warnings.begin(), each.warnings.end());
  }
  response out = unmeasured<Real>(things.names, std::move(names), shape, options.dose_unit, options.step);
  out.warnings = std::move(warnings);
  const auto k = static_cast<Eigen::Index>(things.names.size());
  const auto passes = static_cast<double>(4 * k + 1 + 2 * options.controls);
  double done = 0.0;
  const auto under_one = [&](const recipe& dosed) {
    const plan acting{dosed, shape};
    std::vector<readings> found = read(acting);
    if (options.progress) {
      options.progress(++done / passes);
    }
    return found;
  };
  const auto under = [&](std::size_t vector, double dose) { return under_one(things.recipe_of(vector, dose)); };
  const std::vector<readings> unsteered = under(0, 0.0);
  for (Eigen::Index i = 0; i < k; ++i) {
    out.baseline[i] = value_of(unsteered[static_cast<std::size_t>(i)]).value;
  }
  Eigen::MatrixX<Real> even(k, k);  // what both signs do alike, at the step
  for (Eigen::Index j = 0; j < k; ++j) {
    const auto vector = static_cast<std::size_t>(j);
    const auto less = under(vector, -options.step);
    const auto more = under(vector, options.step);
    const auto much_less = under(vector, -2.0 * options.step);
    const auto much_more = under(vector, 2.0 * options.step);
    take_slopes(out, j, less, more);
    for (Eigen::Index i = 0; i < k; ++i) {
      const auto which = static_cast<std::size_t>(i);
      const estimate far = shift_of(much_less[which], much_more[which]);
      out.bend(i, j) = far.value / (4.0 * options.step) - out.slope(i, j);
      even(i, j) = 0.5 * (shift_of(unsteered[which], less[which]).value + shift_of(unsteered[which], more[which]).value);
      if (readouts[which].sample == readout::sample::pair && i == j) {
        const double correlation = correlation_with_length<Real>(readouts[which], less[which], more[which]);
        constexpr double explains_half = 0.7;
        constexpr std::size_t enough = 8;
        if (std::abs(correlation) > explains_half && less[which].samples.size() >= enough) {
          out.warnings.push_back(text({"readout \"", out.readouts[which],
                                       "\": how far a pair moves goes with how much longer "
                                       "its positive text is (correlation ",
                                       correlation, ")"}));
        }
      }
    }
  }
  if (options.controls > 0) {
    Eigen::VectorX<Real> squares = Eigen::VectorX<Real>::Zero(k);
    for (int control = 0; control < options.controls; ++control) {
      const auto less = under_one(things.control_of(static_cast<std::size_t>(control), -options.step));
      const auto more = under_one(things.control_of(static_cast<std::size_t>(control), options.step));
      for (Eigen::Index i = 0; i < k; ++i) {
        const auto which = static_cast<std::size_t>(i);
        const double slope = shift_of(less[which], more[which]).value / (2.0 * options.step);
        squares[i] += slope * slope / options.controls;
      }
    }
    out.random_slope = squares.cwiseSqrt();
  }
  for (Eigen::Index i = 0; i < k; ++i) {
    const std::string who = text({"readout \"", out.readouts[static_cast<std::size_t>(i)], "\": "});
    const double own = std::abs(out.slope(i, i));
    constexpr double constant = 0.25;
    constexpr double same_way = 0.5;
    Eigen::Index largest = 0;
    detail::dependent<Real>(out.slope).row(i).cwiseAbs().maxCoeff(&largest);
    if (largest != i) {
      out.warnings.push_back(
          text({who, "moves more by \"", out.vectors[static_cast<std::size_t>(largest)], "\" (", out.slope(i, largest),
                " nats per unit) than by its own vector (", out.slope(i, i), ")"}));
    }
    if (std::abs(out.bend(i, i)) > constant * own) {
      out.warnings.push_back(text({who, "its own slope is ", out.slope(i, i), " at a dose of ", out.step, " and ",
                                   out.slope(i, i) + out.bend(i, i), " at ", 2.0 * out.step, "; it is not constant"}));
    }
    if (std::abs(even(i, i)) > same_way * own * out.step) {
      out.warnings.push_back(text({who, "both signs of its own vector move it by ", even(i, i),
                                   " nats the same way; it moves for another reason"}));
    }
    constexpr double beyond_chance = 3.0;
    if (options.controls > 0 && own < beyond_chance * out.random_slope[i]) {
      out.warnings.push_back(text({who, "random directions move it by ", out.random_slope[i],
                                   " nats per unit (root mean "
                                   "square), its own vector by ",
                                   out.slope(i, i), "; it reads more than its concept"}));
    }
  }
  check(out);
  return out;
}

STEER_BODY response measure_response(const model_shape& shape, const std::vector<steering_vector>& vectors,
                                     const std::vector<readout>& readouts,
                                     const std::function<std::vector<readings>(hook_ref<float> hook)>& read,
                                     const response_options& options) {
  for (const steering_vector& v : vectors) {
    require_together(vectors.front(), v, "response");
  }
  std::vector<steering_vector> controls;
  std::mt19937_64 engine(options.seed);
  for (int control = 0; control < options.controls && !vectors.empty(); ++control) {
    std::normal_distribution<float> normal;
    controls.push_back(random_like(vectors[static_cast<std::size_t>(control) % vectors.size()], [&] { return normal(engine); }));
  }
  const auto dosed = [&](const steering_vector& v, double dose) { return recipe_of({v}, {dose}, options.dose_unit); };
  return response_to<Real>(shape,
                           {"vectors", names_of<Real>(vectors), [&](std::size_t j, double dose) { return dosed(vectors[j], dose); },
                            [&](std::size_t control, double dose) { return dosed(controls[control], dose); }},
                           readouts, read, options);
}

STEER_BODY response measure_response(const model_shape& shape, const std::vector<recipe>& recipes, const std::vector<readout>& readouts,
                                     const std::function<std::vector<readings>(hook_ref<float> hook)>& read,
                                     const response_options& options) {
  if (options.controls != 0) {
    throw argument_error(text({"response: ", actual(options.controls), " controls are asked for; expected ",
                               expected("none with recipes"), ", which have no length that a random direction could have"}));
  }
  std::vector<std::string> names;
  for (std::size_t j = 0; j < recipes.size(); ++j) {
    names.push_back(j < readouts.size() ? readouts[j].name : std::string());
  }
  return response_to<Real>(
      shape, {"recipes", std::move(names), [&](std::size_t j, double dose) { return recipe_of({recipes[j]}, {dose}); }}, readouts, read,
      options);
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
