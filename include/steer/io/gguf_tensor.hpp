// steer/io/gguf_tensor.hpp: the tensors of a GGUF file: types, shapes and bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {

/// How a tensor's numbers are stored: `numbers` of them share `bytes` bytes.
struct gguf_tensor_type {
  std::uint32_t id;
  std::string_view name;
  std::uint32_t numbers;
  std::uint32_t bytes;
};

inline constexpr std::uint32_t gguf_f32 = 0;
inline constexpr std::uint32_t gguf_f16 = 1;
inline constexpr std::uint32_t gguf_bf16 = 30;

namespace detail {

inline constexpr std::array<gguf_tensor_type, 34> gguf_tensor_types{
    {{0, "F32", 1, 4},         {1, "F16", 1, 2},         {2, "Q4_0", 32, 18},      {3, "Q4_1", 32, 20},
     {6, "Q5_0", 32, 22},      {7, "Q5_1", 32, 24},      {8, "Q8_0", 32, 34},      {9, "Q8_1", 32, 40},
     {10, "Q2_K", 256, 84},    {11, "Q3_K", 256, 110},   {12, "Q4_K", 256, 144},   {13, "Q5_K", 256, 176},
     {14, "Q6_K", 256, 210},   {15, "Q8_K", 256, 292},   {16, "IQ2_XXS", 256, 66}, {17, "IQ2_XS", 256, 74},
     {18, "IQ3_XXS", 256, 98}, {19, "IQ1_S", 256, 50},   {20, "IQ4_NL", 32, 18},   {21, "IQ3_S", 256, 110},
     {22, "IQ2_S", 256, 82},   {23, "IQ4_XS", 256, 136}, {24, "I8", 1, 1},         {25, "I16", 1, 2},
     {26, "I32", 1, 4},        {27, "I64", 1, 8},        {28, "F64", 1, 8},        {29, "IQ1_M", 256, 56},
     {30, "BF16", 1, 2},       {34, "TQ1_0", 256, 54},   {35, "TQ2_0", 256, 66},   {39, "MXFP4", 32, 17},
     {40, "NVFP4", 64, 36},    {41, "Q1_0", 128, 18}}};

/// Where the next tensor may start.
constexpr std::uint64_t round_up(std::uint64_t offset, std::uint64_t alignment) noexcept {
  return (offset + alignment - 1) & ~(alignment - 1);
}

inline constexpr std::uint64_t gguf_default_alignment = 32;
inline constexpr std::size_t gguf_most_dimensions = 4;

}  // namespace detail

/// What is known of a tensor type's number, or null.
constexpr const gguf_tensor_type* find_gguf_tensor_type(std::uint32_t id) noexcept {
  for (const gguf_tensor_type& type : detail::gguf_tensor_types) {
    if (type.id == id) {
      return &type;
    }
  }
  return nullptr;
}

/// One tensor: bytes that somebody else owns.
/// @shape the fastest dimension comes first: a direction is [d], a matrix of n rows is [d, n]
struct gguf_tensor {
  std::string name;
  std::uint32_t type = gguf_f32;
  std::vector<std::uint64_t> shape;
  std::span<const std::byte> bytes;
};

namespace detail {

/// The bytes that shape and type ask for; nothing where they cannot be counted or rows are no whole blocks.
STEER_API std::optional<std::uint64_t> gguf_bytes_of(const gguf_tensor_type& type, std::span<const std::uint64_t> shape);

/// The name of a tensor's type, or else its number.
STEER_API std::string type_text(std::uint32_t id);

/// "[4, 2]".
STEER_API std::string shape_text(std::span<const std::uint64_t> shape);

}  // namespace detail

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/gguf_tensor.ipp"
#endif
