// steer/recipe/gate.ipp: the bodies of gate.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/recipe/field.hpp"
#include "steer/recipe/gate.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY double condition::share_of(double x) const noexcept {
  if (std::isnan(x)) {
    return 0.0;
  }
  const auto least = static_cast<double>(low);
  switch (curve) {
    case gate_curve::above: return x > least ? 1.0 : 0.0;
    case gate_curve::within: return x >= least && x <= static_cast<double>(high) ? 1.0 : 0.0;
    case gate_curve::sigmoid: return 1.0 / (1.0 + std::exp(-static_cast<double>(slope) * (x - least)));
    case gate_curve::excess: return std::max(0.0, std::abs(x) - least);
    case gate_curve::ramp: break;
  }
  return std::clamp(static_cast<double>(slope) * (x - least), 0.0, static_cast<double>(high));
}

STEER_BODY condition above(steering_vector vector, float threshold, reading what) {
  return {std::move(vector), what, gate_curve::above, threshold};
}

STEER_BODY condition within(steering_vector vector, float low, float high, reading what) {
  return {std::move(vector), what, gate_curve::within, low, high};
}

STEER_BODY condition sigmoid(steering_vector vector, float centre, float slope, reading what) {
  return {std::move(vector), what, gate_curve::sigmoid, centre, std::numeric_limits<float>::infinity(), slope};
}

STEER_BODY condition excess(steering_vector vector, float threshold, reading what) {
  return {std::move(vector), what, gate_curve::excess, threshold};
}

STEER_BODY condition ramp(steering_vector vector, float threshold, float slope, float most) {
  return {std::move(vector), reading::projection, gate_curve::ramp, threshold, most, slope};
}

STEER_BODY void check(const gate& g, const std::string& who) {
  gate::fields(g, detail::field_check{who});
  for (const condition& c : g.conditions) {
    const bool soft = c.curve == gate_curve::sigmoid || c.curve == gate_curve::excess || c.curve == gate_curve::ramp;
    if (soft && !std::isfinite(c.low)) {
      throw numeric_error(
          text({who, ": gate low is ", actual(c.low), "; a sigmoid, an excess or a ramp needs ", expected("a finite number")}));
    }
    if (c.curve == gate_curve::ramp && !(c.high >= 0.0F)) {
      throw argument_error(text({who, ": its gate's ramp ends at ", actual(c.high), "; expected ", expected("a number of at least 0")}));
    }
    if (c.curve == gate_curve::within && c.high < c.low) {
      throw argument_error(text(
          {who, ": its gate opens from ", actual({c.low, " to ", c.high}), "; expected ", expected("low <= high")}));
    }
  }
  if (g.time == gate_time::on_prompt && g.conditions.empty()) {
    throw argument_error(text({who, ": its gate latches on the prompt and has no condition to latch"}));
  }
  if (g.layer && !g.latched()) {
    throw argument_error(text({who, ": its gate reads layer ", at_layer(*g.layer),
                               " for other layers, which only a gate that "
                               "latches on the prompt can"}));
  }
}

}  // namespace v0
}  // namespace steer
