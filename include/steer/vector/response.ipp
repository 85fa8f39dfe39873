// steer/vector/response.ipp: the bodies of response.hpp.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/vector/response.hpp"
#include "steer/vector/small_matrix.hpp"
#include "steer/vector/strength_unit.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY bool response::operator==(const response& other) const {
  const auto equal = [](const auto& a, const auto& b) { return a.rows() == b.rows() && a.cols() == b.cols() && a == b; };
  return readouts == other.readouts && vectors == other.vectors && model == other.model &&
         fingerprint == other.fingerprint && dose_unit == other.dose_unit && step == other.step &&
         equal(baseline, other.baseline) && equal(slope, other.slope) && equal(error, other.error) &&
         equal(bend, other.bend) && equal(random_slope, other.random_slope) && warnings == other.warnings;
}

STEER_BODY void check(const response& r) {
  const auto k = static_cast<Eigen::Index>(r.vectors.size());
  const auto square = [&](const Eigen::MatrixXd& m, const char* name) {
    if (m.rows() != k || m.cols() != k) {
      throw shape_error(text({"response: ", name, " is ", actual({"[", m.rows(), ", ", m.cols(), "]"}), "; expected ",
                              expected({"[", k, ", ", k, "]"})}));
    }
    if (!m.allFinite()) {
      throw numeric_error(
          text({"response: ", name, " holds ", actual("NaN or infinity"), "; expected ", expected("finite numbers")}));
    }
  };
  if (k == 0 || r.readouts.size() != r.vectors.size() || r.baseline.size() != k) {
    throw shape_error(text(
        {"response: has ",
         actual({r.vectors.size(), " vectors, ", r.readouts.size(), " readouts and ", r.baseline.size(), " baselines"}),
         "; expected ", expected("as many, at least one")}));
  }
  if (r.random_slope.size() != 0 && r.random_slope.size() != k) {
    throw shape_error(text({"response: has ", actual(r.random_slope.size()),
                            " slopes under random directions; expected ", expected({k, " or none"})}));
  }
  const Eigen::VectorX<Real>& random = r.random_slope;
  if (!(random.array() >= 0.0).all() || !random.allFinite()) {
    throw numeric_error(text({"response: a slope under random directions is ", actual("not finite, or negative")}));
  }
  square(r.slope, "the slope");
  square(r.error, "the error");
  square(r.bend, "the bend");
  if (!r.baseline.allFinite() || r.error.minCoeff() < 0.0 || !(std::isfinite(r.step) && r.step > 0.0)) {
    throw numeric_error(text({"response: the step is ", actual(r.step), "; expected ",
                              expected("a finite baseline, errors of 0 or above and a step above 0")}));
  }
}

STEER_BODY double condition_number(const response& r) {
  const Eigen::MatrixX<Real>& slope = r.slope;
  const Eigen::VectorX<Real> own = slope.diagonal();
  if (!(own.cwiseAbs().minCoeff() > 0.0)) {
    return std::numeric_limits<double>::infinity();
  }
  const Eigen::MatrixX<Real> scaled = own.cwiseInverse().asDiagonal() * slope;
  const auto [least, most] = detail::extreme_eigenvalues(scaled.transpose().lazyProduct(scaled));
  constexpr double rounding = 1e-14;
  return least > rounding * most ? std::sqrt(most / least) : std::numeric_limits<double>::infinity();
}

STEER_BODY std::vector<estimate> predict(const response& r, const std::vector<double>& doses) {
  check(r);
  if (doses.size() != r.vectors.size()) {
    throw shape_error(text({"predict: has ", actual(doses.size()), " doses; expected ", expected(r.vectors.size()),
                            ", one for each vector"}));
  }
  for (std::size_t j = 0; j < doses.size(); ++j) {
    if (!std::isfinite(doses[j])) {
      throw numeric_error(
          text({"predict: dose ", j, " is ", actual(doses[j]), "; expected ", expected("a finite number")}));
    }
  }
  std::vector<estimate> out(r.readouts.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    double squares = 0.0;
    for (std::size_t j = 0; j < doses.size(); ++j) {
      const auto row = static_cast<Eigen::Index>(i);
      const auto column = static_cast<Eigen::Index>(j);
      const double beyond = std::abs(doses[j]) / r.step - 1.0;  // 1 at twice the step, where the bend was measured
      const double bent = r.bend(row, column) * doses[j] * beyond;
      out[i].value += r.slope(row, column) * doses[j];
      squares += std::pow(r.error(row, column) * doses[j], 2) + bent * bent;
    }
    out[i].error = std::sqrt(squares);
  }
  return out;
}

STEER_BODY std::string to_string(const response& r) {
  std::string out = text({"nats per unit of dose (", to_string(r.dose_unit.unit), "), measured at +-", r.step,
                          "; condition ", condition_number(r), "\n"});
  for (std::size_t i = 0; i < r.readouts.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    out += text({"  ", r.readouts[i], " at ", r.baseline[row], ":"});
    for (std::size_t j = 0; j < r.vectors.size(); ++j) {
      const auto column = static_cast<Eigen::Index>(j);
      out += text({j == 0 ? " " : ", ", r.vectors[j], " ", r.slope(row, column), " +-", r.error(row, column), " (bend ",
                   r.bend(row, column), ")"});
    }
    if (r.random_slope.size() != 0) {
      out += text({"; random directions ", r.random_slope[row]});
    }
    out += '\n';
  }
  for (const std::string& warning : r.warnings) {
    out += text({"  warning: ", warning, "\n"});
  }
  return out;
}

}  // namespace v0
}  // namespace steer
