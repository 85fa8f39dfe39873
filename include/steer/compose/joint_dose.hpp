// steer/compose/joint_dose.hpp: one move that gives every concept exactly its dose.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "steer/compose/algebra.hpp"
#include "steer/core/error.hpp"
#include "steer/vector/strength_unit.hpp"
#include "steer/vector/frame.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

/// What happens to targets that would take a longer move than the budget allows.
enum class over_budget : std::uint8_t {
  refuse,   ///< an error that says what would fit
  shorten,  ///< all targets shrink by one factor, which the result states
};

struct joint_dose_options {
  strength_unit unit = strength_unit::of_norm;  ///< of the targets; any but `of_row_norm`
  double ridge = 0.0;                           ///< see `frame_options`; targets are missed by what `reached` says
  /// The longest move, as a share of the mean row norm.
  double budget = std::numeric_limits<double>::infinity();
  steer::over_budget over_budget = over_budget::refuse;
};

/// What a joint dose is at one layer, in the units of the activations.
struct joint_dose_report {
  Eigen::VectorXd targets = {};  ///< asked of each coordinate u · h
  Eigen::VectorXd reached = {};  ///< what each coordinate moves by
  Eigen::VectorXd weights = {};  ///< of each unit direction in the move; large where directions nearly agree
  double norm = 0.0;             ///< of the move
  double condition = 1.0;        ///< of the Gram matrix, ridge included
  double share = 1.0;            ///< of the targets that the budget left, before the ridge
};

struct joint_dose {
  steering_vector move = {};  ///< for `recipe::add` with strength 1; it has no norms, so its unit is raw
  std::map<int, joint_dose_report> layers = {};
};

/// The shortest move after which every concept's coordinate u · h has changed by exactly its target, at every layer.
///
///     Δ = Vᵀ (G + ridge)⁻¹ t,   |Δ| = √(tᵀ G⁻¹ t) without a ridge
///
/// Adding each vector by itself would give the others a part of its dose wherever directions are not orthogonal.
///
///     recipe.add(steer::solve_joint_dose({happy, formal}, {0.2, -0.1}).move);
///
/// @param targets  one for each vector; 0 holds a concept still
/// @throws argument_error if there are not as many targets as vectors, all are 0, or a unit or budget has no meaning or
///         needs a norm that a vector lacks; numeric_error if the directions are nearly dependent, or the move is
///         longer than the budget, stating what it needs and what would fit; as `+` if the vectors do not belong
///         together
/// @cost   O(L (k² d + k³))
/// @source least-norm solution of V Δ = t; Golub & Van Loan, Matrix Computations, 4th edition, chapter 5
inline joint_dose solve_joint_dose(const std::vector<steering_vector>& vectors, const std::vector<double>& targets,
                                   joint_dose_options options = {}) {
  const std::string who = "joint dose";
  if (vectors.empty() || targets.size() != vectors.size()) {
    throw argument_error(detail::text({who, ": has ", detail::expected(vectors.size()), " vectors and ",
                                       detail::actual(targets.size()), " targets; expected as many, at least one"}));
  }
  const Eigen::Map<const Eigen::VectorXd> asked(targets.data(), static_cast<Eigen::Index>(targets.size()));
  if (!asked.allFinite() || asked.isZero(0.0)) {
    throw argument_error(detail::text(
        {who, ": its targets are ", detail::actual(asked.isZero(0.0) ? "all 0" : "not finite"), "; expected ",
         detail::expected("finite numbers, not all 0"), " (recipe::set with zeros ablates)"}));
  }
  if (options.unit == strength_unit::of_row_norm || !(options.budget > 0.0)) {
    throw argument_error(
        detail::text({who, ": unit is ", detail::actual({to_string(options.unit), " and budget ", options.budget}),
                      "; expected ", detail::expected("raw, unit, of_norm or sigma, and a budget above 0")}));
  }
  joint_dose out;
  out.move.point = vectors.front().point;
  out.move.source.method = who;
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    out.move.name += detail::text({i == 0 ? "" : ", ", vectors[i].name, " ", targets[i]});
  }
  const steering_vector& known = detail::require_all_together(vectors, who);
  out.move.source.model = known.source.model;
  out.move.source.fingerprint = known.source.fingerprint;
  for (const auto& [layer, first] : vectors.front().directions) {
    const std::string where = detail::text({who, " (", out.move.name, "), layer ", layer});
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
    report.weights = together.inverse() * report.targets;
    Eigen::VectorXd move = together.directions().transpose() * report.weights;
    report.norm = move.norm();
    if (std::isfinite(options.budget)) {
      if (!measured) {
        throw argument_error(
            detail::text({detail::thing(where), ": a budget needs ", detail::expected("every vector's mean row norm"),
                          ", which one does not have"}));
      }
      const double fits = options.budget * row_norm / report.norm;
      if (fits < 1.0 && options.over_budget == over_budget::refuse) {
        throw numeric_error(detail::text(
            {detail::thing(where), ": infeasible: the targets need a move of ", detail::actual(report.norm / row_norm),
             " of the mean row norm, the budget is ", detail::expected(options.budget), "; ", fits,
             " of the targets would fit (the directions' condition number is ", report.condition, ")"}));
      }
      if (fits < 1.0) {
        report.share = fits;
        report.weights *= fits;
        report.norm *= fits;
        move *= fits;
      }
    }
    report.reached = together.directions() * move;
    out.move.directions[layer].values = move.cast<float>();
    out.layers[layer] = report;
  }
  check(out.move);
  return out;
}

}  // namespace v0
}  // namespace steer
