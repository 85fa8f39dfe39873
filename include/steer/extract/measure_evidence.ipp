// steer/extract/measure_evidence.ipp: the bodies of measure_evidence.hpp.
#pragma once

#include <cmath>
#include <span>
#include <utility>
#include <Eigen/Core>

#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/measure_evidence.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY double spread_along(const Eigen::Ref<const matrix<float>>& positive, const Eigen::Ref<const matrix<float>>& negative,
                           const Eigen::VectorXd& u) {
  Eigen::VectorXd projections(positive.rows() + negative.rows());
  projections << positive.cast<double>() * u, negative.cast<double>() * u;
  projections.array() -= projections.mean();
  return std::sqrt(projections.squaredNorm() / static_cast<double>(projections.size() - 1));
}

STEER_BODY double cosine(const Eigen::VectorXd& a, const Eigen::VectorXd& b) { return a.normalized().dot(b.normalized()); }

STEER_BODY double squares_within(const Eigen::VectorXd& scores) { return (scores.array() - scores.mean()).square().sum(); }

}  // namespace detail
}  // namespace v0
}  // namespace steer
