// steer/measure/measure_response.ipp: the bodies of measure_response.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "steer/compose/algebra.hpp"
#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/inject/plan.hpp"
#include "steer/measure/measure_response.hpp"
#include "steer/measure/read_out.hpp"
#include "steer/measure/readout.hpp"
#include "steer/recipe/recipe_of.hpp"
#include "steer/vector/response.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY response unmeasured_response(const std::vector<steering_vector>& vectors, std::vector<std::string> readouts,
                                    const model_shape& shape, const dosage& how, double step) {
  const auto k = static_cast<Eigen::Index>(vectors.size());
  response out{.readouts = std::move(readouts), .model = shape.name, .fingerprint = shape.fingerprint, .dosage = how, .step = step};
  for (const steering_vector& v : vectors) {
    out.vectors.push_back(v.name);
  }
  out.baseline = Eigen::VectorXd::Zero(k);
  out.slope = out.error = out.bend = Eigen::MatrixXd::Zero(k, k);
  return out;
}

STEER_BODY void take_slopes(response& out, Eigen::Index j, const std::vector<readings>& less, const std::vector<readings>& more) {
  for (Eigen::Index i = 0; i < out.slope.rows(); ++i) {
    const auto which = static_cast<std::size_t>(i);
    const estimate moved = shift_of(less[which], more[which]);
    out.slope(i, j) = moved.value / (2.0 * out.step);
    out.error(i, j) = moved.error / (2.0 * out.step);
  }
}

STEER_BODY void require_measurable(const std::vector<steering_vector>& vectors, const std::vector<readout>& readouts,
                               const model_shape& shape, const dosage& how, double step, int controls) {
  const std::string who = "response";
  if (vectors.empty() || readouts.size() != vectors.size()) {
    throw argument_error(text({who, ": has ", expected(vectors.size()), " vectors and ", actual(readouts.size()),
                               " readouts; expected as many, at least one"}));
  }
  const auto largest = static_cast<float>(2.0 * step);  // strengths are floats
  if (!(std::isfinite(largest) && static_cast<float>(step) > 0.0F) || controls < 0) {
    throw argument_error(text({who, ": the step is ", actual(step), ", with ", controls, " controls; expected ",
                               expected("a step above 0 and no negative count"), ", and twice the step as a float"}));
  }
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    require_together(vectors.front(), vectors[i], who);
    check(readouts[i]);
    const bool pairs = readouts[i].sample == readout::sample::pair;
    if (const std::size_t samples = readouts[i].texts.size() / (pairs ? 2 : 1); samples < 2) {
      throw argument_error(text({thing({"readout \"", readouts[i].name, "\""}), ": has ", actual("1 sample"),
                                 "; expected ", expected("at least 2"), ", or no slope has an error"}));
    }
    static_cast<void>(plan{recipe_of({vectors[i]}, {2.0 * step}, how), shape});
  }
}

STEER_BODY double correlation_with_length(const readout& r, const readings& from, const readings& to) {
  const auto n = static_cast<Eigen::Index>(from.samples.size());
  Eigen::ArrayXd longer(n);
  Eigen::ArrayXd moved(n);
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
}  // namespace v0
}  // namespace steer
