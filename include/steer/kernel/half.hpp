// steer/kernel/half.hpp: 16-bit rows to floats and back, a register at a time.
//
// The instructions for it are used where the compiler has them (F16C). AVX-512's for bfloat16 is not: it takes subnormals
// for zero. Everything else is arithmetic on the bits.
#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#ifdef __F16C__
#include <immintrin.h>
#endif

namespace steer {
inline namespace v0 {
namespace kernel {
namespace detail {

/// Unsigned integers side by side, as the compiler's vectors.
template <std::ptrdiff_t Lanes>
struct integers {
  typedef std::uint16_t narrow __attribute__((vector_size(2 * Lanes)));
  typedef std::uint32_t wide __attribute__((vector_size(4 * Lanes)));
  typedef std::int32_t truth __attribute__((vector_size(4 * Lanes)));
  typedef float real __attribute__((vector_size(4 * Lanes)));
};

/// The same bits as another type of the same size.
template <class To, class From>
[[gnu::always_inline]] inline To same_bits(const From& from) noexcept {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

/// `yes` where the mask is all ones, `no` where it is zero.
template <class Wide, class Truth>
[[gnu::always_inline]] inline Wide select(const Truth& mask, const Wide& yes, const Wide& no) noexcept {
  const Wide m = same_bits<Wide>(mask);
  return (yes & m) | (no & ~m);
}

/// Bits of binary16 to bits of float, exact; a NaN keeps its payload and becomes quiet, as by F16C.
template <class I>
[[gnu::always_inline]] inline typename I::wide widen_f16(const typename I::wide& bits) noexcept {
  using wide = typename I::wide;
  using real = typename I::real;
  const wide magnitude = bits & 0x7FFFU;
  const wide sign = (bits & 0x8000U) << 16U;
  const wide shifted = magnitude << 13U;
  // 0.5 has the exponent at which the last bit counts 2^-24, as a subnormal's does.
  const real small = same_bits<real>(magnitude | 0x3F000000U) - 0.5F;
  const wide special = shifted | select(magnitude > 0x7C00U, wide{} + 0x7FC00000U, wide{} + 0x7F800000U);
  const wide finite = select(magnitude < 0x0400U, same_bits<wide>(small), shifted + (112U << 23U));
  return sign | select(magnitude >= 0x7C00U, special, finite);
}

/// Bits of float to bits of binary16, rounded to nearest even; a NaN keeps the head of its payload and becomes quiet.
template <class I>
[[gnu::always_inline]] inline typename I::wide narrow_f16(const typename I::wide& bits) noexcept {
  using wide = typename I::wide;
  using real = typename I::real;
  const wide magnitude = bits & 0x7FFFFFFFU;
  const wide sign = (bits >> 16U) & 0x8000U;
  // Adding 0.5 rounds what becomes a subnormal at the bit that counts 2^-24.
  const wide small = same_bits<wide>(same_bits<real>(magnitude) + 0.5F) - 0x3F000000U;
  const wide normal = (magnitude - (112U << 23U) + 0x0FFFU + ((magnitude >> 13U) & 1U)) >> 13U;
  const wide finite = select(magnitude < (113U << 23U), small, normal);
  const wide nan = 0x7E00U | ((magnitude >> 13U) & 0x03FFU);
  const wide special = select(magnitude > 0x7F800000U, nan, wide{} + 0x7C00U);
  return sign | select(magnitude >= (143U << 23U), special, finite);
}

/// Bits of float to bits of bfloat16, rounded to nearest even; a NaN keeps the head of its payload and becomes quiet.
template <class I>
[[gnu::always_inline]] inline typename I::wide narrow_bf16(const typename I::wide& bits) noexcept {
  using wide = typename I::wide;
  const wide rounded = (bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U;
  return select((bits & 0x7FFFFFFFU) > 0x7F800000U, wide((bits >> 16U) | 0x40U), rounded);
}

/// Lanes numbers of 16 bits at `from`, as a packet of floats.
template <class Packet, std::ptrdiff_t Lanes, class Half>
[[gnu::always_inline]] inline Packet widen(const Half* from) noexcept {
  using I = integers<Lanes>;
  constexpr bool is_f16 = std::is_same_v<Half, Eigen::half>;
#ifdef __F16C__
  if constexpr (is_f16 && Lanes == 8) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }
#ifdef __AVX512F__
  if constexpr (is_f16 && Lanes == 16) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }
#endif
#endif
  typename I::narrow bits;
  std::memcpy(&bits, from, sizeof bits);
  const auto wide = __builtin_convertvector(bits, typename I::wide);
  if constexpr (is_f16) {
    return same_bits<Packet>(widen_f16<I>(wide));
  } else {
    return same_bits<Packet>(wide << 16U);
  }
}

/// A packet of floats as Lanes numbers of 16 bits at `to`.
template <class Packet, std::ptrdiff_t Lanes, class Half>
[[gnu::always_inline]] inline void narrow(Half* to, const Packet& from) noexcept {
  using I = integers<Lanes>;
  constexpr bool is_f16 = std::is_same_v<Half, Eigen::half>;
#ifdef __F16C__
  if constexpr (is_f16 && Lanes == 8) {
    return _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_cvtps_ph(from, _MM_FROUND_TO_NEAREST_INT));
  }
#ifdef __AVX512F__
  if constexpr (is_f16 && Lanes == 16) {
    return _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtps_ph(from, _MM_FROUND_TO_NEAREST_INT));
  }
#endif
#endif
  typename I::wide bits = same_bits<typename I::wide>(from);
  if constexpr (is_f16) {
    bits = narrow_f16<I>(bits);
  } else {
    bits = narrow_bf16<I>(bits);
  }
  const auto out = __builtin_convertvector(bits, typename I::narrow);
  std::memcpy(static_cast<void*>(to), &out, sizeof out);
}

}  // namespace detail
}  // namespace kernel
}  // namespace v0
}  // namespace steer
