// contrast.hpp: two sides of samples whose spectrum falls as that of activations does: few dimensions hold most of it.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <Eigen/Core>

#include "steer/core/matrix.hpp"

namespace bench {

/// Column j has a standard deviation of 20 / sqrt(1 + j); the sides differ by `shift`, spread over all columns.
///
/// @shape positive, negative [n, d]
struct contrast {
  steer::matrix<float> positive;
  steer::matrix<float> negative;

  contrast(Eigen::Index n, Eigen::Index d, double shift = 8.0) : positive(n, d), negative(n, d) {
    std::mt19937_64 engine{1};
    const auto nearly_normal = [&] {  // std::normal_distribution takes longer than what is timed
      const std::uint64_t bits = engine();
      double sum = -2.0;
      for (int i = 0; i < 4; ++i) {
        sum += static_cast<double>((bits >> (16 * i)) & 0xffff) / 65536.0;
      }
      return std::sqrt(3.0) * sum;
    };
    for (steer::matrix<float>* side : {&positive, &negative}) {
      for (Eigen::Index i = 0; i < n; ++i) {
        for (Eigen::Index j = 0; j < d; ++j) {
          (*side)(i, j) = static_cast<float>(20.0 / std::sqrt(1.0 + static_cast<double>(j)) * nearly_normal());
        }
      }
    }
    for (Eigen::Index j = 0; j < d; ++j) {
      const double sign = engine() % 2 == 0 ? 1.0 : -1.0;
      positive.col(j).array() += static_cast<float>(sign * shift / std::sqrt(static_cast<double>(d)));
    }
  }
};

}  // namespace bench
