// steer/compose/joint_dose.hpp: one move that gives every concept exactly its dose.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <vector>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/vector/steering_vector.hpp"
#include "steer/vector/strength_unit.hpp"

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
STEER_API joint_dose solve_joint_dose(const std::vector<steering_vector>& vectors, const std::vector<double>& targets,
                                   joint_dose_options options = {});

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/compose/joint_dose.ipp"
#endif
