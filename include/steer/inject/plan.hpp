// steer/inject/plan.hpp: a recipe compiled for one model shape, as a hook.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "steer/core/hook.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/inject/plan_options.hpp"
#include "steer/kernel/scalar.hpp"
#include "steer/recipe/recipe.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

template <kernel::row_scalar Scalar>
class program;

}  // namespace detail

/// A recipe compiled for one model shape: an immutable hook.
///
/// Edits at one site act in the recipe's order, with one read and one write of each row for a whole stack:
///
///     c = R h,  (s, z) = decisions(c, |h|),  h' = s h + Wᵀz
///
/// What an earlier edit does to a later edit's coordinates is known from R Wᵀ, and to its norm from W Wᵀ. Affine edits
/// that follow one another are one decision, additions one bias; equal directions are kept once. Diagonal and dense maps
/// are stages of their own between. An edit of strength zero is checked and then dropped, so that an empty plan, a plan of
/// zero strengths and no plan at all leave the same bits.
///
/// Rows of 16 bits are computed in float and rounded once, when all edits of a site have acted. What 16 bits cannot hold becomes
/// the largest finite number of its sign; a `session` counts such numbers.
///
/// Calls are `noexcept`, allocate nothing, lock nothing, and may come from any number of threads at once. Copies share
/// what was compiled. To change a dose, compile another plan and use that one from the next call on, or see `routes`.
///
/// @throws shape_error    a layer, point, head or width that the model does not have
///         numeric_error  a dose that is not finite as rows are computed (float for 16 bits), directions that are nearly
///                        dependent
///         argument_error a unit without its measurement, a row fact that the host does not supply, another model's
///                        vector, a gate that latches on the prompt, or a schedule of passages: that needs a `session`
/// @cost   compiling: O(k² d) per site; a call: per row 2 (k + m) d flops for k directions read and m written, see `explain`
template <kernel::row_scalar Scalar = float>
class basic_plan {
 public:
  /// The empty plan: every site is skipped.
  basic_plan() = default;

  basic_plan(const recipe& source, const model_shape& shape, plan_options options = {});

  /// The shape that the plan was compiled for; an empty one for the default plan.
  [[nodiscard]] const model_shape& shape() const noexcept;

  /// Whether every site is skipped.
  [[nodiscard]] bool empty() const noexcept;

  [[nodiscard]] steer::access access(site where) const noexcept;

  /// Rows of another width than the plan was compiled for, or without the facts that it needs, are left alone: a host refuses
  /// such a plan when it is set.
  /// @shape activations [T, width of the site]
  void operator()(site where, rows<Scalar> activations) const noexcept;

  /// The row that the plan adds to every row at a site, if that is all that it does there; else an empty span. For hosts
  /// that have an addition of their own.
  /// @shape returns [width of the site] or [0]
  [[nodiscard]] std::span<const Scalar> constant_addition(site where) const noexcept;

  /// What the plan does and costs, a line per site and group of edits.
  [[nodiscard]] std::string explain() const;

  /// Identifies what the plan does: equal for equal recipes on equal shapes. 0 for the default plan.
  [[nodiscard]] std::uint64_t digest() const noexcept;

  /// What was compiled, for sessions and routes.
  [[nodiscard]] const std::shared_ptr<const detail::program<Scalar>>& compiled() const noexcept { return program_; }

 private:
  std::shared_ptr<const detail::program<Scalar>> program_;
};

using plan = basic_plan<float>;
static_assert(hook<const plan, float> && hook<const basic_plan<double>, double>);
static_assert(hook<const basic_plan<Eigen::half>, Eigen::half> &&
              hook<const basic_plan<Eigen::bfloat16>, Eigen::bfloat16>);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/inject/plan.ipp"
#endif
