// steer/recipe/edits/transform.ipp: the bodies of transform.hpp.
#pragma once

#include <string>
#include <variant>
#include <Eigen/Core>

#include "steer/core/real.hpp"
#include "steer/recipe/edits/transform.hpp"
#include "steer/recipe/form.hpp"
#include "steer/vector/affine_map.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY form transform_edit::at(int, const std::string&) const {
  const auto lambda = static_cast<double>(blend);
  if (const auto* diagonal = std::get_if<diagonal_map>(&map)) {
    return diagonal_form{((1.0 - lambda) + lambda * diagonal->scale.cast<double>().array()).matrix(),
                         lambda * diagonal->shift.cast<double>()};
  }
  if (const auto* dense = std::get_if<dense_map>(&map)) {
    dense_form out{lambda * dense->linear.cast<double>(), lambda * dense->shift.cast<double>()};
    out.linear.diagonal().array() += 1.0 - lambda;
    return out;
  }
  const low_rank_map& low_rank = std::get<low_rank_map>(map);
  const Eigen::Index k = low_rank.read.rows();
  return low_rank_form::affine(low_rank.read.cast<double>(), low_rank.write.cast<double>(),
                               lambda * Eigen::MatrixXd::Identity(k, k), lambda * low_rank.shift.cast<double>());
}

STEER_BODY void transform_edit::apply(int, double, Eigen::VectorXd& h) const {
  const auto lambda = static_cast<double>(blend);
  Eigen::VectorXd mapped;
  if (const auto* diagonal = std::get_if<diagonal_map>(&map)) {
    mapped = diagonal->scale.cast<double>().cwiseProduct(h) + diagonal->shift.cast<double>();
  } else if (const auto* dense = std::get_if<dense_map>(&map)) {
    mapped = dense->linear.cast<double>().lazyProduct(h) + dense->shift.cast<double>();
  } else {
    const low_rank_map& low_rank = std::get<low_rank_map>(map);
    const Eigen::VectorXd c = low_rank.read.cast<double>().lazyProduct(h) + low_rank.shift.cast<double>();
    mapped = h + low_rank.write.cast<double>().transpose().lazyProduct(c);
  }
  h = (1.0 - lambda) * h + lambda * mapped;
}

}  // namespace v0
}  // namespace steer
