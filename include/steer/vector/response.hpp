// steer/vector/response.hpp: what doses of steering vectors do to a model's output, as measured.
#pragma once

#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/vector/strength_unit.hpp"

namespace steer {
inline namespace v0 {

/// What a unit of dose adds, and where.
struct dose_unit {
  strength_unit unit = strength_unit::of_norm;
  std::vector<int> layers = {};  ///< empty: every layer of each vector
  float cap = 2.0F;              ///< as `add_options::cap`

  bool operator==(const dose_unit&) const = default;
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
  steer::dose_unit dose_unit = {};
  double step = 0.0;              ///< the dose, both signs, at which the slopes were measured
  Eigen::VectorXd baseline = {};  ///< the readouts without steering
  Eigen::MatrixXd slope = {};
  Eigen::MatrixXd error = {};  ///< standard errors of the slopes, by texts
  Eigen::MatrixXd bend = {};   ///< slope at twice the step, less the slope at the step: 0 where the response is linear
  Eigen::VectorXd random_slope = {};  ///< [k], root mean square under random directions; empty if not measured
  std::vector<std::string> warnings = {};

  STEER_API bool operator==(const response& other) const;
};

/// @throws shape_error if there is no concept or sizes differ; numeric_error if a number is not finite, an error negative or
///         the step not above 0
STEER_API void check(const response& r);

/// The condition number of (diag B)⁻¹ B: how much of the doses only undoes what others do. Infinity if B is singular or a
/// concept's own slope is 0. (That of B itself depends on the readouts' scales.)
/// @cost O(k³)
STEER_API double condition_number(const response& r);

/// The shift of every readout that doses are expected to make, B · doses.
///
/// The error has two parts, added as squares: that of the slopes, and how far the response bends at such doses, taken to
/// grow in proportion to them.
///
/// @shape  doses [k]; returns [k]
/// @throws shape_error if there are not as many doses as vectors; numeric_error if one is not finite; as `check`
STEER_API std::vector<estimate> predict(const response& r, const std::vector<double>& doses);

/// A table: own and other slopes with their errors, the bend, what to beware of.
STEER_API std::string to_string(const response& r);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/vector/response.ipp"
#endif
