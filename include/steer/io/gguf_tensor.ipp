// steer/io/gguf_tensor.ipp: the bodies of gguf_tensor.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/gguf_tensor.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY std::optional<std::uint64_t> gguf_bytes_of(const gguf_tensor_type& type, std::span<const std::uint64_t> shape) {
  const std::uint64_t row = shape.empty() ? 1 : shape[0];
  if (row % type.numbers != 0) {
    return std::nullopt;
  }
  std::uint64_t out = type.bytes;
  const auto multiply = [&](std::uint64_t factor) {
    const bool fits = factor == 0 || out <= std::numeric_limits<std::uint64_t>::max() / 2 / factor;
    out *= factor;
    return fits;
  };
  bool countable = multiply(row / type.numbers);
  for (std::size_t i = 1; i < shape.size(); ++i) {
    countable = countable && multiply(shape[i]);
  }
  return countable ? std::optional{out} : std::nullopt;
}

STEER_BODY std::string type_text(std::uint32_t id) {
  const gguf_tensor_type* type = find_gguf_tensor_type(id);
  return type == nullptr ? text(id) : std::string(type->name);
}

STEER_BODY std::string shape_text(std::span<const std::uint64_t> shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    out += text({i == 0 ? "" : ", ", shape[i]});
  }
  return out + "]";
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
