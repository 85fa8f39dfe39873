// steer/measure/log_sum_exp.hpp: what turns logits into log-probabilities.
#pragma once

#include <cmath>
#include <Eigen/Core>

#include "steer/core/version.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// log Σ exp of a row; not finite if one of its numbers is NaN or +∞.
/// @shape logits [V]
template <class Row>
double log_sum_exp(const Row& logits) {
  const float most = logits.maxCoeff();
  const auto parts = (logits.array() - most).exp().eval();  // in floats; their sum, in doubles, is right to 1e-7
  return static_cast<double>(most) + std::log(parts.template cast<double>().sum());
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
