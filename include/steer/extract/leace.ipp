// steer/extract/leace.ipp: the bodies of leace.hpp.
#pragma once

#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/leace.hpp"
#include "steer/vector/affine_map.hpp"
#include "steer/vector/direction.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY low_rank_map eraser::map() const {
  return {read.cast<float>(), -write.cast<float>(), (-read * mean).cast<float>()};
}

STEER_BODY std::vector<direction> eraser::rows_as_directions(const matrix<double>& rows) const {
  std::vector<direction> out(static_cast<std::size_t>(rows.rows()));
  for (Eigen::Index i = 0; i < rows.rows(); ++i) {
    direction& here = out[static_cast<std::size_t>(i)];
    here.values = rows.row(i).cast<float>().transpose();
    here.origin = mean.cast<float>();
  }
  return out;
}

}  // namespace v0
}  // namespace steer
