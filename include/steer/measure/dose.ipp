// steer/measure/dose.ipp: the bodies of dose.hpp.
#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/measure/dose.hpp"
#include "steer/recipe/recipe.hpp"
#include "steer/recipe/recipe_of.hpp"
#include "steer/vector/measured_vectors.hpp"
#include "steer/vector/response.hpp"
#include "steer/vector/small_matrix.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY Eigen::MatrixXd inverse_response(const response& r, const invertible& limits, const std::string& who) {
  if (!(limits.least_signal >= 0.0) || !(limits.most_condition >= 1.0)) {
    throw argument_error(text({who, ": least_signal is ", limits.least_signal, " and most_condition ",
                               limits.most_condition, "; expected ", expected("0 or above, and 1 or above")}));
  }
  for (std::size_t i = 0; i < r.vectors.size(); ++i) {
    const auto at = static_cast<Eigen::Index>(i);
    if (!(std::abs(r.slope(at, at)) > limits.least_signal * r.error(at, at))) {
      throw numeric_error(
          text({who, ": infeasible: readout \"", r.readouts[i], "\" does not respond to \"", r.vectors[i],
                "\": ", actual({r.slope(at, at), " +- ", r.error(at, at)}), " nats per unit; expected ",
                expected({"more than ", limits.least_signal, " standard errors"})}));
    }
  }
  if (const double found = condition_number(r); !(found <= limits.most_condition)) {
    throw numeric_error(text({who, ": infeasible: the response has condition ", actual(found), ", expected ",
                              expected({"at most ", limits.most_condition}),
                              "; two of the vectors do nearly the same to the readouts"}));
  }
  Eigen::MatrixXd out = inverse_of(r.slope);
  if (!out.allFinite()) {
    throw numeric_error(text({who, ": infeasible: the response is ", actual("singular"),
                              "; two of the vectors do the same to the readouts"}));
  }
  return out;
}

STEER_BODY Eigen::VectorXd nats_of(const std::vector<double>& targets, std::size_t k, const std::string& who) {
  if (targets.size() != k) {
    throw argument_error(
        text({who, ": has ", actual(targets.size()), " targets; expected ", expected(k), ", one for each vector"}));
  }
  for (std::size_t i = 0; i < k; ++i) {
    if (!std::isfinite(targets[i])) {
      throw argument_error(
          text({who, ": target ", i, " is ", actual(targets[i]), "; expected ", expected("a finite number of nats")}));
    }
  }
  return Eigen::Map<const Eigen::VectorX<Real>>(targets.data(), static_cast<Eigen::Index>(k));
}

}  // namespace detail

STEER_BODY dosed dose(const std::vector<steering_vector>& vectors, const response& measured, const std::vector<double>& targets,
                  const dose_options& options) {
  detail::require_measured(vectors, measured, "dose");
  const Eigen::VectorXd wanted = detail::nats_of(targets, vectors.size(), "dose");
  if (!(options.most >= 0.0)) {
    throw argument_error(text({"dose: most is ", actual(options.most), "; expected ", expected("0 or above")}));
  }
  const Eigen::MatrixX<Real> inverse = detail::inverse_response(measured, options.invertible, "dose");
  const Eigen::VectorX<Real> doses = inverse * wanted;
  dosed out{{doses.begin(), doses.end()}, {}, {}};
  for (std::size_t j = 0; j < out.doses.size(); ++j) {
    if (std::abs(out.doses[j]) > options.most) {
      throw numeric_error(text({"dose: infeasible: the targets need ", actual(out.doses[j]), " of \"", vectors[j].name,
                                "\"; ", expected({"at most ", options.most}), " is allowed"}));
    }
  }
  out.recipe = recipe_of(vectors, out.doses, measured.dose_unit);
  out.expected = predict(measured, out.doses);
  return out;
}

}  // namespace v0
}  // namespace steer
