// steer/guard/written_cosines.ipp: the bodies of written_cosines.hpp.
#pragma once

#include <cmath>
#include <cstddef>
#include <map>
#include <span>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "steer/core/real.hpp"
#include "steer/core/site.hpp"
#include "steer/guard/effects.hpp"
#include "steer/guard/written_cosines.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY Eigen::MatrixXd written_cosines(std::span<const dosed_recipe> recipes, const model_shape& shape) {
  std::vector<std::map<site, Eigen::VectorX<Real>>> written;
  for (std::size_t i = 0; i < recipes.size(); ++i) {
    auto& sums = written.emplace_back();
    for (const detail::effect& e : detail::effects_of(stacked(recipes.subspan(i, 1)), shape, {})) {
      if (!e.is_constant()) {
        continue;
      }
      const auto [found, is_new] = sums.try_emplace(e.where, e.constant);
      if (!is_new) {
        found->second += e.constant;
      }
    }
  }
  const auto product = [&](std::size_t i, std::size_t j) {
    double out = 0.0;
    for (const auto& [where, sum] : written[i]) {
      if (const auto other = written[j].find(where); other != written[j].end()) {
        out += sum.dot(other->second);
      }
    }
    return out;
  };
  const auto k = static_cast<Eigen::Index>(recipes.size());
  Eigen::MatrixX<Real> out = Eigen::MatrixX<Real>::Zero(k, k);
  for (std::size_t i = 0; i < recipes.size(); ++i) {
    for (std::size_t j = 0; j < recipes.size(); ++j) {
      const double size = std::sqrt(product(i, i) * product(j, j));
      out(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) = size > 0.0 ? product(i, j) / size : 0.0;
    }
  }
  return out;
}

}  // namespace v0
}  // namespace steer
