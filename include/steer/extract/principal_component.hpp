// steer/extract/principal_component.hpp: the direction along which the sides differ most.
#pragma once

#include <cstdint>
#include <string_view>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/extract/sample_rows.hpp"

namespace steer {
inline namespace v0 {

/// Of what the principal component is taken.
enum class component_of : std::uint8_t {
  differences,          ///< of pairs, about zero: the shift that all pairs share counts
  centred_differences,  ///< of pairs, about their mean: the shift that all pairs share is *discarded*
  pooled,               ///< of all texts about their common mean; needs no pairs
};

constexpr std::string_view to_string(component_of of) noexcept {
  switch (of) {
    case component_of::differences: return "principal_component of differences";
    case component_of::centred_differences: return "principal_component of centred differences";
    case component_of::pooled: break;
  }
  return "principal_component, pooled";
}

struct component_options {
  component_of of = component_of::differences;
};

struct component {
  Eigen::VectorXd v = {};           ///< [d], norm 1
  double explained_variance = 0.0;  ///< share of the squares that lie along v, 0 to 1
  double majority = 0.0;  ///< share of the pairs (pooled: of the texts) that lie on the side that gave v its sign
};

/// First right singular vector of what `options.of` names, pointing to the positive side.
///
/// The sign is that of the means' difference; a singular vector has none of its own. Where a common shift is much
/// larger than the pairs' differences from each other, `centred_differences` finds something else than the concept.
///
/// @param positive  activations that show the behaviour
/// @param negative  activations that lack it; row i belongs with row i, unless pooled
/// @shape  positive [n, d], negative [m, d], m = n unless pooled
/// @throws shape_error if the shapes do not fit; numeric_error for too few samples, NaN, pairs that do not differ, or a
///         mean difference without a component along v
/// @cost   O(n d) for each of some 15 steps where one dimension stands out, else O(n d min(n, d) + min(n, d)³)
/// @source Zou et al. 2023, arXiv:2310.01405; deviation: the sign is determined. `differences` is what repeng calls
///         pca_center; `centred_differences` is the usual textbook form
STEER_API component principal_component(const sample_rows& positive, const sample_rows& negative,
                                        component_options options = {});

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/principal_component.ipp"
#endif
