// steer/io/half.ipp: the bodies of half.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "steer/core/real.hpp"
#include "steer/io/half.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY std::vector<float> floats_of_16_bits(std::span<const std::byte> bytes, float (*decode)(std::uint16_t) noexcept) {
  std::vector<float> out(bytes.size() / sizeof(std::uint16_t));
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, bytes.data() + sizeof bits * i, sizeof bits);
    out[i] = decode(bits);
  }
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
