// steer/vector/conceptor.ipp: the bodies of conceptor.hpp.
#pragma once

#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/vector/affine_map.hpp"
#include "steer/vector/conceptor.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY dense_map conceptor::map() const { return {matrix.cast<float>(), Eigen::VectorXf::Zero(matrix.rows())}; }

}  // namespace v0
}  // namespace steer
