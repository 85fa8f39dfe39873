// steer/extract/linear_transport.hpp: each coordinate's distribution is stretched and shifted onto another.
#pragma once

#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/sample_rows.hpp"
#include "steer/vector/affine_map.hpp"

namespace steer {
inline namespace v0 {

namespace detail {

struct axis_map {
  Eigen::VectorXd scale;
  Eigen::VectorXd shift;
};

STEER_API axis_map transport_of(const matrix<double>& from, const matrix<double>& to, const char* who);

}  // namespace detail

/// The straight line, for each coordinate by itself, that carries sorted `from` onto sorted `to` with the least
/// squares.
///
///     scale = Σ ãb̃ / Σ ã²,  shift = mean(b) - scale · mean(a),  a and b sorted, ã and b̃ about their means
///
/// A scale is never negative, since both are sorted. Samples are no pairs; sides of different sizes meet at quantiles.
///
/// @param from  activations as they are
/// @param to    activations as they should be distributed
/// @return for `recipe::transform`, whose `share` says how far
/// @shape  from [n, d], to [m, d]
/// @throws shape_error if the widths differ; numeric_error for fewer than 2 samples, NaN, or a coordinate that is
///         constant in the source or whose squares overflow, by its index; or a map that floats do not hold
/// @cost   O((n + m) d log(n + m))
/// @source Rodriguez et al. 2024, arXiv:2410.23054 (Linear-AcT); deviation: n ≠ m by quantiles
STEER_API diagonal_map linear_transport(const sample_rows& from, const sample_rows& to);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/linear_transport.ipp"
#endif
