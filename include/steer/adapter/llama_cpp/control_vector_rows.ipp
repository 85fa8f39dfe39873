// steer/adapter/llama_cpp/control_vector_rows.ipp: the bodies of control_vector_rows.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "steer/adapter/llama_cpp/control_vector_rows.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/core/real.hpp"
#include "steer/core/site.hpp"
#include "steer/inject/plan.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY std::vector<float> control_vector_rows(const plan& source, const model_shape& shape) {
  const auto width = static_cast<std::size_t>(shape.width);
  std::vector<float> out(width * static_cast<std::size_t>(std::max(0, shape.layers - 1)));
  for (int layer = 0; layer < shape.layers; ++layer) {
    for (const point p : all_points) {
      if (source.access({layer, p}) == access::none) {
        continue;
      }
      const std::span<const float> row = source.constant_addition({layer, p});
      if (layer == 0 || p != point::residual_out || row.size() != width) {
        return {};
      }
      std::copy(row.begin(), row.end(), out.begin() + static_cast<std::ptrdiff_t>(width * static_cast<std::size_t>(layer - 1)));
    }
  }
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
