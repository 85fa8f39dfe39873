// steer/measure/meet_targets.ipp: the bodies of meet_targets.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/measure/dose.hpp"
#include "steer/measure/meet_targets.hpp"
#include "steer/vector/response.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY met_targets meet_targets(const response& measured, const std::vector<double>& targets,
                                    const std::function<std::vector<double>(const std::vector<double>&)>& shift_under,
                                    const meet_options& options) {
  check(measured);
  const std::string who = "meet_targets";
  const std::size_t k = measured.vectors.size();
  const Eigen::VectorX<Real> wanted = detail::nats_of(targets, k, who);
  if (!options.start.empty() && options.start.size() != k) {
    throw argument_error(text(
        {who, ": has ", actual(options.start.size()), " doses to start from; expected ", expected(k), ", or none"}));
  }
  for (std::size_t j = 0; j < options.start.size(); ++j) {
    if (!std::isfinite(options.start[j])) {
      throw argument_error(text({who, ": dose ", j, " to start from is ", actual(options.start[j]), "; expected ",
                                 expected("a finite number")}));
    }
  }
  const auto vector_of = [](const std::vector<double>& v) {
    Eigen::VectorX<Real> out(static_cast<Eigen::Index>(v.size()));
    std::copy(v.begin(), v.end(), out.begin());
    return out;
  };
  if (options.rounds < 1 || !(options.tolerance >= 0.0) || !(options.largest_step > 0.0)) {
    throw argument_error(text({who, ": ", options.rounds, " rounds, tolerance ", options.tolerance, ", steps of ",
                               options.largest_step, "; expected ", expected("at least 1, 0 or above, above 0")}));
  }
  const auto limited = [&](Eigen::VectorX<Real> step) {
    const double most = step.cwiseAbs().maxCoeff();
    return most > options.largest_step ? Eigen::VectorX<Real>(step * (options.largest_step / most)) : step;
  };
  Eigen::MatrixX<Real> inverse = detail::inverse_response(measured, options.invertible, who);
  Eigen::VectorX<Real> doses = options.start.empty() ? limited(inverse * wanted) : vector_of(options.start);
  if (!doses.allFinite()) {
    throw numeric_error(
        text({who, ": the targets need doses that are not finite; expected ", expected("smaller targets")}));
  }
  Eigen::VectorX<Real> last_doses = Eigen::VectorX<Real>::Zero(wanted.size());  // of the last round whose shifts were finite
  Eigen::VectorX<Real> last_shifts;
  met_targets best{.missed = std::numeric_limits<double>::infinity()};
  for (int round = 1; round <= options.rounds; ++round) {
    const std::vector<double> found = shift_under(std::vector<double>(doses.begin(), doses.end()));
    if (found.size() != k) {
      throw shape_error(
          text({who, ": the measurement gives ", actual(found.size()), " shifts; expected ", expected(k)}));
    }
    const Eigen::VectorX<Real> shifts = vector_of(found);
    const Eigen::VectorX<Real> off = wanted - shifts;
    best.rounds = round;
    if (!off.allFinite()) {
      if (round == options.rounds && best.doses.empty()) {
        throw numeric_error(
            text({who, ": in none of ", options.rounds, " rounds all shifts are finite; the last doses were up to ",
                  actual(doses.cwiseAbs().maxCoeff())}));
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
      const Eigen::VectorX<Real> step = doses - last_doses;
      const Eigen::VectorX<Real> expected = inverse * (shifts - last_shifts);
      if (const double scale = step.dot(expected); std::abs(scale) > 1e-3 * step.squaredNorm()) {
        inverse += (step - expected) * (step.transpose() * inverse) / scale;
      }
    }
    last_doses = doses;
    last_shifts = shifts;
    const Eigen::VectorX<Real> next = doses + limited(inverse * off);
    if (!next.allFinite()) {
      break;  // so far off that no further step is a number
    }
    doses = next;
  }
  return best;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
