// steer/guard/written_cosines.hpp: how alike what recipes write is, before anything is generated.
#pragma once

#include <span>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/guard/dosed_recipe.hpp"

namespace steer {
inline namespace v0 {

/// The cosines between the additions of recipes, each gate as if open, over all sites of the model taken as one vector: 1 where two write the
/// same, -1 where they undo each other, 0 where they do not meet. What depends on the row (maps, bounds, turns) is left out; a recipe of which
/// nothing is left has 0 with all, itself included.
///
/// @shape returns [k, k] for k recipes
/// @throws as `stacked`, and as `basic_plan` of the recipes
/// @cost   O(k² L D)
STEER_API Eigen::MatrixXd written_cosines(std::span<const dosed_recipe> recipes, const model_shape& shape);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/guard/written_cosines.ipp"
#endif
