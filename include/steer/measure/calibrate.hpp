// steer/measure/calibrate.hpp: the dose that costs what it may, or that does most.
#pragma once

#include <functional>

#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {

struct calibrate_options {
  double most = 2.0;        ///< the largest dose that is tried
  double tolerance = 0.01;  ///< of the dose
  int rounds = 20;          ///< measurements at most
};

/// A dose, and what was measured there.
struct calibrated {
  double dose = 0.0;
  double value = 0.0;
  int rounds = 0;  ///< measurements that it took
};

/// The largest dose whose cost stays within a budget, where the cost grows with the dose; `most` if even that does.
///
///     const auto cost = [&](double dose) { return steer::drift_quantile(drift_under(dose), 0.95); };
///     const auto found = steer::dose_within(0.1, cost);
///
/// @param cost  of a dose, such as the drift of unrelated texts; 0 at a dose of 0
/// @throws before the first measurement: argument_error for a budget or options that are not above 0. Later: numeric_error for a cost
///         that is not finite
/// @cost   log2(most / tolerance) measurements, at most `rounds`
STEER_API calibrated dose_within(double budget, const std::function<double(double dose)>& cost, const calibrate_options& options = {});

/// The dose between 0 and `most` at which something is largest that first grows with the dose and then falls, such as recovery.
/// @throws as `dose_within`
/// @cost   1.44 log2(most / tolerance) measurements, at most `rounds`
/// @source golden-section search: Kiefer 1953, doi:10.1090/S0002-9939-1953-0055639-3
STEER_API calibrated best_dose(const std::function<double(double dose)>& gain, const calibrate_options& options = {});

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/measure/calibrate.ipp"
#endif
