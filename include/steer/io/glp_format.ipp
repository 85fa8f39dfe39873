// steer/io/glp_format.ipp: the bodies of glp_format.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>
#include <Eigen/Core>

#include "steer/core/real.hpp"
#include "steer/io/glp_format.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    std::string_view part = text.substr(begin, end - begin);
    while (part.starts_with(' ')) {
      part.remove_prefix(1);
    }
    while (part.ends_with(' ')) {
      part.remove_suffix(1);
    }
    out.push_back(part);
    begin = end + 1;
  }
  return out;
}

STEER_BODY double off_orthonormal(const std::vector<Eigen::VectorXf>& basis) {
  double worst = 0.0;
  for (std::size_t i = 0; i < basis.size(); ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const double product = basis[i].cast<Real>().dot(basis[j].cast<Real>());
      worst = std::max(worst, std::abs(product - (i == j ? 1.0 : 0.0)));
    }
  }
  return worst;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
