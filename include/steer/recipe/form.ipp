// steer/recipe/form.ipp: the bodies of form.hpp.
#pragma once

#include <Eigen/Core>

#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/recipe/form.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY low_rank_form low_rank_form::addition(const Eigen::VectorXd& dose) {
  return {matrix<double>(0, dose.size()), dose.transpose(), Eigen::MatrixXd(1, 0), Eigen::VectorXd::Ones(1)};
}

STEER_BODY bool low_rank_form::does_nothing() const {
  return decided_by != policy::none &&
         (write.isZero(0.0) || (decided_by == policy::affine && linear.isZero(0.0) && shift.isZero(0.0)));
}

}  // namespace v0
}  // namespace steer
