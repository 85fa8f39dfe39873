// steer/measure/calibrate.ipp: the bodies of calibrate.hpp.
#pragma once

#include <cmath>
#include <functional>
#include <string>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/measure/calibrate.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

template <class Real>
void check(const calibrate_options& o) {
  if (!(o.most > 0.0) || !(o.tolerance > 0.0) || !std::isfinite(o.most) || o.rounds < 2) {
    throw argument_error(text({thing("calibrate"), ": doses up to ", actual(o.most), ", a tolerance of ", o.tolerance, " and ", o.rounds,
                               " rounds; expected ", expected("more than 0, and at least two rounds")}));
  }
}

/// Measures, counts and keeps what is not finite from being compared.
template <class Real>
calibrated measured_at(double dose, const std::function<double(double)>& measure, int& rounds) {
  const double value = measure(dose);
  ++rounds;
  if (!std::isfinite(value)) {
    throw numeric_error(text({thing("calibrate"), ": what was measured at a dose of ", dose, " is ", actual(value), "; expected ",
                              expected("a number")}));
  }
  return {dose, value, rounds};
}

}  // namespace detail

STEER_BODY calibrated dose_within(double budget, const std::function<double(double dose)>& cost, const calibrate_options& options) {
  detail::check<Real>(options);
  if (!(budget > 0.0)) {
    throw argument_error(text({thing("calibrate"), ": a budget of ", actual(budget), "; expected ", expected("more than 0")}));
  }
  int rounds = 0;
  calibrated within;
  double above = options.most;
  if (const calibrated most = detail::measured_at<Real>(options.most, cost, rounds); most.value <= budget) {
    return most;
  }
  while (above - within.dose > options.tolerance && rounds < options.rounds) {
    const calibrated tried = detail::measured_at<Real>(0.5 * (within.dose + above), cost, rounds);
    if (tried.value <= budget) {
      within = tried;
    } else {
      above = tried.dose;
    }
  }
  within.rounds = rounds;
  return within;
}

STEER_BODY calibrated best_dose(const std::function<double(double dose)>& gain, const calibrate_options& options) {
  detail::check<Real>(options);
  const double golden = 0.5 * (std::sqrt(5.0) - 1.0);
  int rounds = 0;
  double low = 0.0;
  double high = options.most;
  calibrated left = detail::measured_at<Real>(high - golden * (high - low), gain, rounds);
  calibrated right = detail::measured_at<Real>(low + golden * (high - low), gain, rounds);
  while (high - low > options.tolerance && rounds < options.rounds) {
    if (left.value < right.value) {
      low = left.dose;
      left = right;
      right = detail::measured_at<Real>(low + golden * (high - low), gain, rounds);
    } else {
      high = right.dose;
      right = left;
      left = detail::measured_at<Real>(high - golden * (high - low), gain, rounds);
    }
  }
  calibrated best = left.value < right.value ? right : left;
  best.rounds = rounds;
  return best;
}

}  // namespace v0
}  // namespace steer
