// steer/io/half.hpp: 16-bit floating point numbers as files hold them.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {

/// The value of an IEEE 754 binary16 number, exact; subnormals, infinities and NaN included.
constexpr float float_from_f16(std::uint16_t bits) noexcept {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16U;
  const std::uint32_t exponent = (bits >> 10U) & 0x1FU;
  const std::uint32_t fraction = bits & 0x3FFU;
  if (exponent == 0) {  // zero and subnormals: fraction * 2^-24
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | sign);
  }
  const std::uint32_t wide = exponent == 0x1FU ? 0xFFU : exponent + 112U;  // bias 15 becomes 127
  return std::bit_cast<float>(sign | (wide << 23U) | (fraction << 13U));
}

/// The value of a bfloat16 number, exact.
constexpr float float_from_bf16(std::uint16_t bits) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
}

namespace detail {

/// Numbers of 16 bits, one after the other and perhaps unaligned, as float32.
/// @param decode  `float_from_f16` or `float_from_bf16`
STEER_API std::vector<float> floats_of_16_bits(std::span<const std::byte> bytes, float (*decode)(std::uint16_t) noexcept);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/half.ipp"
#endif
