// steer/measure/meet_targets.hpp: doses corrected until what is measured is what was asked for.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/measure/dose.hpp"
#include "steer/vector/response.hpp"
#include "steer/vector/small_matrix.hpp"

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

/// Solves shift(doses) = targets where the response is not linear, or the steered model writes texts of its own.
///
/// Starts from the response's slopes and corrects them by what each round finds (Broyden's method). What `shift_under`
/// measures is up to the caller: readouts on fixed texts, or on texts that the model writes under these very doses, so that
/// what it has written so far counts as well. The same random numbers in every round make it a function of the doses.
/// Doses whose shifts are not finite, as where a text no longer shows a concept at all, went too far: half of the way back.
///
///     const auto shift_under = [&](const std::vector<double>& doses) -> std::vector<double> { ... };
///     const auto met = steer::meet_targets(response, {2.0, 0.0, -1.0}, shift_under);
///     const auto recipe = steer::recipe_of(vectors, met.doses, response.dosage);
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
  check(measured);
  const std::string who = "meet_targets";
  const std::size_t k = measured.vectors.size();
  const Eigen::VectorXd wanted = detail::nats_of(targets, k, who);
  if (!options.start.empty() && options.start.size() != k) {
    throw argument_error(detail::text({who, ": has ", detail::actual(options.start.size()),
                                       " doses to start from; expected ", detail::expected(k), ", or none"}));
  }
  for (std::size_t j = 0; j < options.start.size(); ++j) {
    if (!std::isfinite(options.start[j])) {
      throw argument_error(detail::text({who, ": dose ", j, " to start from is ", detail::actual(options.start[j]),
                                         "; expected ", detail::expected("a finite number")}));
    }
  }
  const auto vector_of = [](const std::vector<double>& v) {
    Eigen::VectorXd out(static_cast<Eigen::Index>(v.size()));
    std::copy(v.begin(), v.end(), out.begin());
    return out;
  };
  if (options.rounds < 1 || !(options.tolerance >= 0.0) || !(options.largest_step > 0.0)) {
    throw argument_error(
        detail::text({who, ": ", options.rounds, " rounds, tolerance ", options.tolerance, ", steps of ",
                      options.largest_step, "; expected ", detail::expected("at least 1, 0 or above, above 0")}));
  }
  const auto limited = [&](Eigen::VectorXd step) {
    const double most = step.cwiseAbs().maxCoeff();
    return most > options.largest_step ? Eigen::VectorXd(step * (options.largest_step / most)) : step;
  };
  Eigen::MatrixXd inverse = detail::inverse_response(measured, options.invertible, who);
  Eigen::VectorXd doses = options.start.empty() ? limited(inverse * wanted) : vector_of(options.start);
  if (!doses.allFinite()) {
    throw numeric_error(detail::text(
        {who, ": the targets need doses that are not finite; expected ", detail::expected("smaller targets")}));
  }
  Eigen::VectorXd last_doses = Eigen::VectorXd::Zero(wanted.size());  // of the last round whose shifts were finite
  Eigen::VectorXd last_shifts;
  met_targets best{.missed = std::numeric_limits<double>::infinity()};
  for (int round = 1; round <= options.rounds; ++round) {
    const std::vector<double> found = shift_under(std::vector<double>(doses.begin(), doses.end()));
    if (found.size() != k) {
      throw shape_error(detail::text(
          {who, ": the measurement gives ", detail::actual(found.size()), " shifts; expected ", detail::expected(k)}));
    }
    const Eigen::VectorXd shifts = vector_of(found);
    const Eigen::VectorXd off = wanted - shifts;
    best.rounds = round;
    if (!off.allFinite()) {
      if (round == options.rounds && best.doses.empty()) {
        throw numeric_error(detail::text({who, ": in none of ", options.rounds,
                                          " rounds all shifts are finite; the last doses were up to ",
                                          detail::actual(doses.cwiseAbs().maxCoeff())}));
      }
      doses = (last_doses + doses) / 2.0;  // of the first round too: no dose shifts nothing
      continue;
    }
    if (const double missed = off.cwiseAbs().maxCoeff(); missed < best.missed) {
      best.doses.assign(doses.begin(), doses.end());
      best.shifts = found;
      best.missed = missed;
    }
    if (best.missed <= options.tolerance) {
      break;
    }
    if (last_shifts.size() > 0) {  // the inverse of the slopes that also explain the last step (Sherman and Morrison)
      const Eigen::VectorXd step = doses - last_doses;
      const Eigen::VectorXd expected = inverse * (shifts - last_shifts);
      if (const double scale = step.dot(expected); std::abs(scale) > 1e-3 * step.squaredNorm()) {
        inverse += (step - expected) * (step.transpose() * inverse) / scale;
      }
    }
    last_doses = doses;
    last_shifts = shifts;
    const Eigen::VectorXd next = doses + limited(inverse * off);
    if (!next.allFinite()) {
      break;  // so far off that no further step is a number
    }
    doses = next;
  }
  return best;
}

}  // namespace v0
}  // namespace steer
