// steer/kernel/instruction_set.hpp: the instructions that the loops over rows are compiled for, side by side in one
// binary.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#ifdef __x86_64__
#include <cpuid.h>
#endif

namespace steer {
inline namespace v0 {

/// For each there is one copy of the loops, compiled for it whatever the flags of the unit that includes them.
///
/// A plan's results are the same bits for one set of instructions on any machine and in any unit; sets differ from one
/// another in the order of their sums, and `sse2` and `plain` round products before they add them.
enum class instruction_set : std::uint8_t {
  plain,   ///< whatever the compiler makes of its own vectors of 16 bytes; processors that are neither of the following
  sse2,    ///< every x86-64
  avx2,    ///< x86-64 with AVX2, FMA and F16C
  avx512,  ///< x86-64 with AVX-512 F, BW, DQ and VL besides
  neon,    ///< every AArch64
};
constexpr instruction_set last_of(instruction_set) noexcept { return instruction_set::neon; }

constexpr std::string_view to_string(instruction_set set) noexcept {
  switch (set) {
    case instruction_set::plain: return "plain";
    case instruction_set::sse2: return "SSE2";
    case instruction_set::avx2: return "AVX2";
    case instruction_set::avx512: return "AVX-512";
    case instruction_set::neon: break;
  }
  return "NEON";
}

namespace detail {

/// What there are loops for on this kind of processor, the least first.
#if defined(__x86_64__)
inline constexpr instruction_set compiled_sets[] = {instruction_set::sse2, instruction_set::avx2,
                                                    instruction_set::avx512};
#elif defined(__aarch64__)
inline constexpr instruction_set compiled_sets[] = {instruction_set::neon};
#else
inline constexpr instruction_set compiled_sets[] = {instruction_set::plain};
#endif

/// How many of them this machine has; each has all before it.
inline std::size_t count_sets() noexcept {
#ifdef __x86_64__
  __builtin_cpu_init();
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  const bool f16c =
      __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & (1U << 29U)) != 0;  // clang 14 knows no name for it
  if (!f16c || !__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    return 1;
  }
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
             ? 3
             : 2;
#else
  return 1;
#endif
}

}  // namespace detail

/// What this machine can run, the best last.
inline std::span<const instruction_set> instruction_sets() noexcept {
  static const std::size_t count = detail::count_sets();
  return std::span(detail::compiled_sets).first(count);
}

/// The widest of `instruction_sets`.
inline instruction_set best_instruction_set() noexcept { return instruction_sets().back(); }

}  // namespace v0
}  // namespace steer
