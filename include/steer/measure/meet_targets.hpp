// steer/measure/meet_targets.hpp: doses corrected until what is measured is what was asked for.
#pragma once

#include <concepts>
#include <functional>
#include <type_traits>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/measure/dose.hpp"
#include "steer/vector/response.hpp"

namespace steer {
inline namespace v0 {

struct meet_options {
  int rounds = 6;             ///< measurements at most
  double tolerance = 0.02;    ///< in nats, of every readout
  double largest_step = 0.3;  ///< by which one round changes a dose; the first starts from 0
  std::vector<double> start = {};  ///< doses of the first round; empty: B⁻¹ t, at most one step
  steer::invertible invertible = {};
};

/// What the best round found.
struct met_targets {
  std::vector<double> doses = {};
  std::vector<double> shifts = {};  ///< as measured, in nats
  double missed = 0.0;              ///< the largest |target - shift|
  int rounds = 0;
};

namespace detail {

/// What `meet_targets` does, for a measurement of any type.
STEER_API met_targets meet_targets(const response& measured, const std::vector<double>& targets,
                                   const std::function<std::vector<double>(const std::vector<double>&)>& shift_under,
                                   const meet_options& options);

}  // namespace detail

/// Solves shift(doses) = targets where the response is not linear, or the steered model writes texts of its own.
///
/// Starts from the response's slopes and corrects them by what each round finds (Broyden's method). What `shift_under`
/// measures is up to the caller: readouts on fixed texts, or on texts that the model writes under these very doses, so that
/// what it has written so far counts as well. The same random numbers in every round make it a function of the doses.
/// Doses whose shifts are not finite, as where a text no longer shows a concept at all, went too far: half of the way back.
///
///     const auto shift_under = [&](const std::vector<double>& doses) -> std::vector<double> { ... };
///     const auto met = steer::meet_targets(response, {2.0, 0.0, -1.0}, shift_under);
///     const auto recipe = steer::recipe_of(vectors, met.doses, response.dose_unit);
///
/// @param targets      the shift of each readout, in nats
/// @param shift_under  called with k doses, gives k shifts
/// @throws before the first measurement: argument_error if there are not as many targets as readouts, or a target, a dose to
///         start from or an option has no meaning; numeric_error as `dose`. Later: shape_error if `shift_under` gives another
///         number of shifts; numeric_error if no round's shifts are all finite
/// @cost   `rounds` measurements and O(k³) each
/// @source Broyden 1965, Mathematics of Computation 19(92), 577: the "good" update
template <class Measure>
  requires std::convertible_to<std::invoke_result_t<Measure&, const std::vector<double>&>, std::vector<double>>
met_targets meet_targets(const response& measured, const std::vector<double>& targets, Measure&& shift_under,
                         const meet_options& options = {}) {
  return detail::meet_targets(measured, targets, std::ref(shift_under), options);
}

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/measure/meet_targets.ipp"
#endif
