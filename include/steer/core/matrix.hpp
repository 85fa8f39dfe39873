// steer/core/matrix.hpp: the layout of every matrix whose rows are samples or tokens.
#pragma once

#include <Eigen/Core>

#include "steer/core/version.hpp"

namespace steer {
inline namespace v0 {

/// Samples by width, [n, d]: one activation is one contiguous row.
template <class Scalar>
using matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

}  // namespace v0
}  // namespace steer
