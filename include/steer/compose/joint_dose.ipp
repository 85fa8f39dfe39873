// steer/compose/joint_dose.ipp: the bodies of joint_dose.hpp.
#pragma once

#include <cmath>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/compose/algebra.hpp"
#include "steer/compose/joint_dose.hpp"
#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/vector/frame.hpp"
#include "steer/vector/steering_vector.hpp"
#include "steer/vector/strength_unit.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY joint_dose solve_joint_dose(const std::vector<steering_vector>& vectors, const std::vector<double>& targets,
                                       joint_dose_options options) {
  const std::string who = "joint dose";
  if (vectors.empty() || targets.size() != vectors.size()) {
    throw argument_error(text({who, ": has ", expected(vectors.size()), " vectors and ", actual(targets.size()),
                               " targets; expected as many, at least one"}));
  }
  const Eigen::Map<const Eigen::VectorX<Real>> asked(targets.data(), static_cast<Eigen::Index>(targets.size()));
  if (!asked.allFinite() || asked.isZero(0.0)) {
    throw argument_error(
        text({who, ": its targets are ", actual(asked.isZero(0.0) ? "all 0" : "not finite"), "; expected ",
              expected("finite numbers, not all 0"), " (recipe::set with zeros ablates)"}));
  }
  if (options.unit == strength_unit::of_row_norm || !(options.budget > 0.0)) {
    throw argument_error(text({who, ": unit is ", actual({to_string(options.unit), " and budget ", options.budget}),
                               "; expected ", expected("raw, unit, of_norm or sigma, and a budget above 0")}));
  }
  joint_dose out;
  out.move.point = vectors.front().point;
  out.move.source.method = who;
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    out.move.name += text({i == 0 ? "" : ", ", vectors[i].name, " ", targets[i]});
  }
  const steering_vector& known = detail::require_all_together(vectors, who);
  out.move.source.model = known.source.model;
  out.move.source.fingerprint = known.source.fingerprint;
  for (const auto& [layer, first] : vectors.front().directions) {
    const std::string where = text({who, " (", out.move.name, "), layer ", layer});
    std::vector<const direction*> directions;
    joint_dose_report report;
    report.targets = asked;
    double row_norm = 0.0;
    bool measured = true;
    for (std::size_t i = 0; i < vectors.size(); ++i) {
      directions.push_back(&vectors[i].directions.at(layer));
      report.targets[static_cast<Eigen::Index>(i)] *= detail::size_of(options.unit, *directions.back(), where);
      measured = measured && directions.back()->row_norm.has_value();
      row_norm += directions.back()->row_norm.value_or(0.0) / static_cast<double>(vectors.size());
    }
    const frame together(directions, where, {.ridge = options.ridge});
    report.condition = together.condition();
    const matrix<Real>& units = together.directions();
    const Eigen::MatrixX<Real>& inverse = together.inverse();
    const Eigen::VectorX<Real>& wanted = report.targets;
    Eigen::VectorX<Real> weights = inverse * wanted;
    Eigen::VectorX<Real> move = units.transpose() * weights;
    report.norm = move.norm();
    if (std::isfinite(options.budget)) {
      if (!measured) {
        throw argument_error(text({thing(where), ": a budget needs ", expected("every vector's mean row norm"),
                                   ", which one does not have"}));
      }
      const double fits = options.budget * row_norm / report.norm;
      if (fits < 1.0 && options.over_budget == over_budget::refuse) {
        throw numeric_error(
            text({thing(where), ": infeasible: the targets need a move of ", actual(report.norm / row_norm),
                  " of the mean row norm, the budget is ", expected(options.budget), "; ", fits,
                  " of the targets would fit (the directions' condition number is ", report.condition, ")"}));
      }
      if (fits < 1.0) {
        report.share = fits;
        weights *= fits;
        report.norm *= fits;
        move *= fits;
      }
    }
    report.weights = weights;
    report.reached = units * move;
    out.move.directions[layer].values = move.template cast<float>();
    out.layers[layer] = report;
  }
  check(out.move);
  return out;
}

}  // namespace v0
}  // namespace steer
