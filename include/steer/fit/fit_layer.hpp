// steer/fit/fit_layer.hpp: the edit that takes one layer's rows to where they are wanted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/site.hpp"
#include "steer/recipe/recipe.hpp"
#include "steer/recipe/schedule.hpp"

namespace steer {
inline namespace v0 {

/// What is fitted: h' = h + ...
enum class fit_kind : std::uint8_t {
  constant,  ///< c, the mean of what is missing
  gated,     ///< relu(w . (h - μ) + b) z: one direction, and a ramp of one projection says how much of it
  affine,    ///< c + C Aᵀ (h - μ): a map of low rank
};
constexpr std::string_view to_string(fit_kind kind) noexcept {
  return kind == fit_kind::constant ? "constant" : kind == fit_kind::gated ? "gated" : "affine";
}

/// How one layer is fitted.
struct layer_fit_options {
  fit_kind kind = fit_kind::affine;
  int rank = 4;          ///< affine: of C
  double ridge = 1.0;    ///< gated, affine: relative to the mean variance of a coordinate
  double reach = 1.5;    ///< gated: the largest share that a row may receive, in those of the largest that was seen
};

/// One layer's edits, and how well they do.
struct layer_fit {
  steer::recipe recipe = {};
  double explained = 0.0;   ///< share of the squared distance between the rows and where they are wanted that is gone
  double norm_ratio = 0.0;  ///< root mean square of what is added / mean norm of a row
};

/// Fits rows as they are to rows as they are wanted.
///
/// With R = wanted - now, c its mean and μ that of `now`: `constant` adds c. `gated` adds z, the leading direction of RᵀR, turned
/// towards c, as much as a ridge regression of R z on h - μ says, at least 0. `affine` is a reduced-rank ridge regression of R - c on
/// h - μ: the leading right singular directions of what it foretells are C.
///
/// @shape  now, wanted [n, d], row by row
/// @param  rows  which rows of a sequence the edits will act on
/// @throws shape_error if the shapes differ; argument_error for a rank that n rows of width d cannot have, or options without
///         meaning; numeric_error if a number is not finite
/// @cost   `constant` O(n d), the others O(n d min(n, d) + min(n, d)³): where rows are fewer than d the n x n dual is solved
/// @source prompt steering replacement, arXiv:2605.03907, fits edits at many layers by gradients; reduced-rank regression: Izenman
///         1975, doi:10.1016/0047-259X(75)90042-1
STEER_API layer_fit fit_layer(const matrix<float>& now, const matrix<float>& wanted, int layer, const std::string& name,
                              const layer_fit_options& how, const schedule& rows);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/fit/fit_layer.ipp"
#endif
