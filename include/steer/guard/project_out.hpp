// steer/guard/project_out.hpp: what edits would write into protected subspaces is taken out of them.
#pragma once

#include <string>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/core/site.hpp"
#include "steer/guard/policy.hpp"
#include "steer/recipe/recipe.hpp"

namespace steer {
inline namespace v0 {

/// What was taken out of an edit because it lay in a protected subspace.
struct taken_out {
  std::string edit = {};
  std::string subspaces = {};
  int layer = 0;
  double share = 0.0;  ///< the largest share, by length, of what the edit would have written there
};

namespace detail {

/// The residual stream is one space, whatever the point at which it is written.
constexpr bool in_residual_stream(point p) noexcept { return p != point::attention_heads; }
constexpr bool in_one_space(point a, point b) noexcept { return in_residual_stream(a) == in_residual_stream(b); }

/// The recipe with every affine edit written across the subspaces that the policy projects out, an edit for each such layer; an edit with
/// a policy of its own (a bound, a turn, a dose of row norms) stays as it is, and so does one that writes nothing inside.
/// @param taken  gets what was taken out
/// @throws as `basic_plan` of the recipe
STEER_API recipe project_out(const policy& rules, const recipe& from, const model_shape& shape, std::vector<taken_out>& taken);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/guard/project_out.ipp"
#endif
