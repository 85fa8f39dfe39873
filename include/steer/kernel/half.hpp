// steer/kernel/half.hpp: 16-bit rows to floats and back, a register at a time.
//
// The instructions for it are used where the compiler has them (F16C). AVX-512's for bfloat16 is not: it takes
// subnormals for zero. Everything else is arithmetic on the bits.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <Eigen/Core>

#ifdef __SSE2__
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

/// Magnitudes compared as signed integers, for which there are instructions.
template <class I>
[[gnu::always_inline]] inline auto above(const typename I::wide& magnitude, std::int32_t limit) noexcept {
  return same_bits<typename I::truth>(magnitude) > limit;
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
  const wide special = shifted | select(above<I>(magnitude, 0x7C00), wide{} + 0x7FC00000U, wide{} + 0x7F800000U);
  const wide finite = select(above<I>(magnitude, 0x03FF), wide(shifted + (112U << 23U)), same_bits<wide>(small));
  return sign | select(above<I>(magnitude, 0x7BFF), special, finite);
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
  const wide finite = select(above<I>(magnitude, (113 << 23) - 1), normal, small);
  const wide nan = 0x7E00U | ((magnitude >> 13U) & 0x03FFU);
  const wide special = select(above<I>(magnitude, 0x7F800000), nan, wide{} + 0x7C00U);
  return sign | select(above<I>(magnitude, (143 << 23) - 1), special, finite);
}

/// Bits of float to bits of bfloat16 in the upper half of each integer, rounded to nearest even.
///
/// A NaN must be one that arithmetic on widened numbers gives: the lower half of its bits is zero then, and it keeps the upper.
/// To treat others costs a third more, on every number.
template <class I>
[[gnu::always_inline]] inline typename I::wide narrow_bf16(const typename I::wide& bits) noexcept {
  using wide = typename I::wide;
  const wide is_even = same_bits<wide>((bits & 0x10000U) == wide{});  // -1 or 0
  return bits + (is_even + 0x8000U);
}

/// The lower 16 bits of each integer, whose upper 16 are zero. Left to itself, g++ 12 takes the vector apart.
template <std::ptrdiff_t Lanes, class Wide>
[[gnu::always_inline]] inline typename integers<Lanes>::narrow lower_halves(const Wide& bits) noexcept {
  using narrow = typename integers<Lanes>::narrow;
#ifdef __AVX2__
  if constexpr (Lanes == 8) {
    const auto wide = same_bits<__m256i>(bits);
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(wide, wide), 0x08);
    return same_bits<narrow>(_mm256_castsi256_si128(packed));
  }
#endif
#ifdef __SSE2__
  if constexpr (Lanes == 4) {
    // SSE2 packs with signed saturation only: the sign that it expects is made of the highest of the 16 bits.
    const __m128i wide = _mm_srai_epi32(_mm_slli_epi32(same_bits<__m128i>(bits), 16), 16);
    const auto packed = same_bits<std::array<narrow, 2>>(_mm_packs_epi32(wide, wide));
    return packed[0];
  }
#endif
  return __builtin_convertvector(bits, narrow);
}

/// The upper 16 bits of each integer.
template <std::ptrdiff_t Lanes, class Wide>
[[gnu::always_inline]] inline typename integers<Lanes>::narrow upper_halves(const Wide& bits) noexcept {
#ifdef __AVX2__
  if constexpr (Lanes == 8) {
    const __m256i upper = _mm256_set_epi64x(-1, 0x0F0E0B0A07060302, -1, 0x0F0E0B0A07060302);
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_shuffle_epi8(same_bits<__m256i>(bits), upper), 0x08);
    return same_bits<typename integers<Lanes>::narrow>(_mm256_castsi256_si128(packed));
  }
#endif
  return lower_halves<Lanes>(Wide(bits >> 16U));
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
#ifdef __AVX2__
  if constexpr (!is_f16 && Lanes == 8) {  // left to itself, g++ 12 takes the vector apart
    const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
    return same_bits<Packet>(_mm256_slli_epi32(wide, 16));
  }
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

/// The bits of two floats: the largest finite number of 16 bits, and the least that rounds to infinity.
template <class Half>
inline constexpr std::uint32_t largest_finite = std::is_same_v<Half, Eigen::half> ? 0x477FE000 : 0x7F7F0000;
template <class Half>
inline constexpr std::uint32_t least_too_large = std::is_same_v<Half, Eigen::half> ? 0x477FF000 : 0x7F7F8000;

/// Numbers that 16 bits do not hold become the largest finite one of their sign, each counted in its lane. A NaN stays one.
template <class Half, class I, class Packet>
[[gnu::always_inline]] inline typename I::wide saturate(const Packet& numbers, typename I::wide& clamped) noexcept {
  using wide = typename I::wide;
  using real = typename I::real;
  constexpr auto pset1 = &Eigen::internal::pset1<Packet>;
  const auto magnitude = same_bits<real>(wide(same_bits<wide>(numbers) & 0x7FFFFFFFU));
  clamped -= same_bits<wide>(magnitude >= same_bits<real>(wide{} + least_too_large<Half>));
  // Of these two, the first number is the one that is kept where it is a NaN.
  const Packet below = Eigen::internal::pmin(numbers, pset1(std::bit_cast<float>(largest_finite<Half>)));
  return same_bits<wide>(Eigen::internal::pmax(below, pset1(-std::bit_cast<float>(largest_finite<Half>))));
}

/// A packet of floats as Lanes numbers of 16 bits at `to`; what they do not hold is clamped and counted, see `saturate`.
template <class Packet, std::ptrdiff_t Lanes, class Half>
[[gnu::always_inline]] inline void narrow(Half* to, const Packet& from,
                                          typename integers<Lanes>::wide& clamped) noexcept {
  using I = integers<Lanes>;
  constexpr bool is_f16 = std::is_same_v<Half, Eigen::half>;
  const auto bits = saturate<Half, I>(from, clamped);
#ifdef __F16C__
  if constexpr (is_f16 && Lanes == 8) {
    return _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                            _mm256_cvtps_ph(same_bits<__m256>(bits), _MM_FROUND_TO_NEAREST_INT));
  }
#ifdef __AVX512F__
  if constexpr (is_f16 && Lanes == 16) {
    return _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                               _mm512_cvtps_ph(same_bits<__m512>(bits), _MM_FROUND_TO_NEAREST_INT));
  }
#endif
#endif
  typename I::narrow out;
  if constexpr (is_f16) {
    out = lower_halves<Lanes>(narrow_f16<I>(bits));
  } else {
    out = upper_halves<Lanes>(narrow_bf16<I>(bits));
  }
  std::memcpy(static_cast<void*>(to), &out, sizeof out);
}

}  // namespace detail
}  // namespace kernel
}  // namespace v0
}  // namespace steer
