// steer/vector/response.hpp: what doses of steering vectors do to a model's output, as measured.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/vector/small_matrix.hpp"
#include "steer/vector/strength_unit.hpp"

namespace steer {
inline namespace v0 {

/// How a dose is given: what a unit of it means, and where.
struct dosage {
  strength_unit unit = strength_unit::of_norm;
  std::vector<int> layers = {};  ///< empty: every layer of each vector
  float cap = 2.0F;              ///< as `add_options::cap`

  bool operator==(const dosage&) const = default;
};

/// A number with its standard error.
struct estimate {
  double value = 0.0;
  double error = 0.0;

  bool operator==(const estimate&) const = default;
};

/// The shift of k readouts for each unit of k doses: plain data. Readout i reads the concept that vector i steers.
///
/// @shape  baseline [k], matrices [k, k]: row i is a readout, column j a dose
/// @units  nats; nats per unit of dose
struct response {
  std::vector<std::string> readouts = {};
  std::vector<std::string> vectors = {};
  std::string model = {};
  std::string fingerprint = {};  ///< of the model's weights; empty if unknown
  steer::dosage dosage = {};
  double step = 0.0;              ///< the dose, both signs, at which the slopes were measured
  Eigen::VectorXd baseline = {};  ///< the readouts without steering
  Eigen::MatrixXd slope = {};
  Eigen::MatrixXd error = {};  ///< standard errors of the slopes, by texts
  Eigen::MatrixXd bend = {};   ///< slope at twice the step, less the slope at the step: 0 where the response is linear
  Eigen::VectorXd random_slope = {};  ///< [k], root mean square under random directions; empty if not measured
  std::vector<std::string> warnings = {};

  bool operator==(const response& other) const {
    const auto equal = [](const auto& a, const auto& b) { return a.rows() == b.rows() && a.cols() == b.cols() && a == b; };
    return readouts == other.readouts && vectors == other.vectors && model == other.model &&
           fingerprint == other.fingerprint && dosage == other.dosage && step == other.step &&
           equal(baseline, other.baseline) && equal(slope, other.slope) && equal(error, other.error) &&
           equal(bend, other.bend) && equal(random_slope, other.random_slope) && warnings == other.warnings;
  }
};

/// @throws shape_error if there is no concept or sizes differ; numeric_error if a number is not finite, an error negative or
///         the step not above 0
inline void check(const response& r) {
  const auto k = static_cast<Eigen::Index>(r.vectors.size());
  const auto square = [&](const Eigen::MatrixXd& m, const char* name) {
    if (m.rows() != k || m.cols() != k) {
      throw shape_error(detail::text({"response: ", name, " is ", detail::actual({"[", m.rows(), ", ", m.cols(), "]"}),
                                      "; expected ", detail::expected({"[", k, ", ", k, "]"})}));
    }
    if (!m.allFinite()) {
      throw numeric_error(detail::text({"response: ", name, " holds ", detail::actual("NaN or infinity"), "; expected ",
                                        detail::expected("finite numbers")}));
    }
  };
  if (k == 0 || r.readouts.size() != r.vectors.size() || r.baseline.size() != k) {
    throw shape_error(detail::text({"response: has ",
                                    detail::actual({r.vectors.size(), " vectors, ", r.readouts.size(), " readouts and ",
                                                    r.baseline.size(), " baselines"}),
                                    "; expected ", detail::expected("as many, at least one")}));
  }
  if (r.random_slope.size() != 0 && r.random_slope.size() != k) {
    throw shape_error(detail::text({"response: has ", detail::actual(r.random_slope.size()),
                                    " slopes under random directions; expected ", detail::expected({k, " or none"})}));
  }
  if (!(r.random_slope.array() >= 0.0).all() || !r.random_slope.allFinite()) {
    throw numeric_error(
        detail::text({"response: a slope under random directions is ", detail::actual("not finite, or negative")}));
  }
  square(r.slope, "the slope");
  square(r.error, "the error");
  square(r.bend, "the bend");
  if (!r.baseline.allFinite() || r.error.minCoeff() < 0.0 || !(std::isfinite(r.step) && r.step > 0.0)) {
    throw numeric_error(detail::text({"response: the step is ", detail::actual(r.step), "; expected ",
                                      detail::expected("a finite baseline, errors of 0 or above and a step above 0")}));
  }
}

/// The condition number of (diag B)⁻¹ B: how much of the doses only undoes what others do. Infinity if B is singular or a
/// concept's own slope is 0. (That of B itself depends on the readouts' scales.)
/// @cost O(k³)
inline double condition_number(const response& r) {
  const Eigen::VectorXd own = r.slope.diagonal();
  if (!(own.cwiseAbs().minCoeff() > 0.0)) {
    return std::numeric_limits<double>::infinity();
  }
  const Eigen::MatrixXd scaled = own.cwiseInverse().asDiagonal() * r.slope;
  const auto [least, most] = detail::extreme_eigenvalues(scaled.transpose() * scaled);
  constexpr double rounding = 1e-14;
  return least > rounding * most ? std::sqrt(most / least) : std::numeric_limits<double>::infinity();
}

/// The shift of every readout that doses are expected to make, B · doses.
///
/// The error has two parts, added as squares: that of the slopes, and how far the response bends at such doses, taken to
/// grow in proportion to them.
///
/// @shape  doses [k]; returns [k]
/// @throws shape_error if there are not as many doses as vectors; numeric_error if one is not finite; as `check`
inline std::vector<estimate> predict(const response& r, const std::vector<double>& doses) {
  check(r);
  if (doses.size() != r.vectors.size()) {
    throw shape_error(detail::text({"predict: has ", detail::actual(doses.size()), " doses; expected ",
                                    detail::expected(r.vectors.size()), ", one for each vector"}));
  }
  for (std::size_t j = 0; j < doses.size(); ++j) {
    if (!std::isfinite(doses[j])) {
      throw numeric_error(detail::text(
          {"predict: dose ", j, " is ", detail::actual(doses[j]), "; expected ", detail::expected("a finite number")}));
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

/// A table: own and other slopes with their errors, the bend, what to beware of.
inline std::string to_string(const response& r) {
  std::string out = detail::text({"nats per unit of dose (", to_string(r.dosage.unit), "), measured at +-", r.step,
                                  "; condition ", condition_number(r), "\n"});
  for (std::size_t i = 0; i < r.readouts.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    out += detail::text({"  ", r.readouts[i], " at ", r.baseline[row], ":"});
    for (std::size_t j = 0; j < r.vectors.size(); ++j) {
      const auto column = static_cast<Eigen::Index>(j);
      out += detail::text({j == 0 ? " " : ", ", r.vectors[j], " ", r.slope(row, column), " +-", r.error(row, column),
                           " (bend ", r.bend(row, column), ")"});
    }
    if (r.random_slope.size() != 0) {
      out += detail::text({"; random directions ", r.random_slope[row]});
    }
    out += '\n';
  }
  for (const std::string& warning : r.warnings) {
    out += detail::text({"  warning: ", warning, "\n"});
  }
  return out;
}

}  // namespace v0
}  // namespace steer
