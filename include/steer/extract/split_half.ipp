// steer/extract/split_half.ipp: the bodies of split_half.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/samples.hpp"
#include "steer/extract/split_half.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY std::vector<std::vector<Eigen::Index>> members_of(const row_groups& groups) {
  std::vector<std::vector<Eigen::Index>> out(static_cast<std::size_t>(groups.count));
  for (std::size_t i = 0; i < groups.of.size(); ++i) {
    out[static_cast<std::size_t>(groups.of[i])].push_back(static_cast<Eigen::Index>(i));
  }
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
