// steer/extract/linear_transport.hpp: each coordinate's distribution is stretched and shifted onto another.
#pragma once

#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/samples.hpp"
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
template <class From, class To>
diagonal_map linear_transport(const Eigen::MatrixBase<From>& from, const Eigen::MatrixBase<To>& to) {
  const char* const who = "linear_transport";
  if (from.cols() != to.cols()) {
    throw shape_error(detail::text({who, ": source has width ", detail::expected(from.cols()), ", target has width ",
                                    detail::actual(to.cols()), "; expected the same"}));
  }
  const detail::axis_map found = detail::transport_of(detail::samples(from, 2, detail::text({who, ", source"})),
                                                      detail::samples(to, 2, detail::text({who, ", target"})), who);
  diagonal_map out{found.scale.cast<float>(), found.shift.cast<float>()};
  check(affine_map(out), who);
  return out;
}

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/linear_transport.ipp"
#endif
