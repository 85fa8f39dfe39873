// steer/recipe/edits/scale.ipp: the bodies of scale.hpp.
#pragma once

#include <string>
#include <Eigen/Core>

#include "steer/core/real.hpp"
#include "steer/recipe/edits/scale.hpp"
#include "steer/recipe/form.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY form scale_edit::at(int layer, const std::string&) const {
  const matrix<double> u = steer::unit(vector.directions.at(layer)).transpose();
  return low_rank_form::affine(u, u, Eigen::MatrixXd::Constant(1, 1, -static_cast<double>(amount)),
                               Eigen::VectorXd::Zero(1));
}

STEER_BODY void scale_edit::apply(int layer, double, Eigen::VectorXd& h) const {
  const Eigen::VectorXd u = steer::unit(vector.directions.at(layer));
  h -= static_cast<double>(amount) * u * u.dot(h);
}

}  // namespace v0
}  // namespace steer
