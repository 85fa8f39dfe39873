// steer/kernel/functions_for.hpp: compiles the loops once for each set of instructions, and finds a set's table.
//
// What a function may use is an attribute of the function. It cannot depend on a template's argument, so the loops are
// a text that is included once for each set, with macros for the attribute, the bytes of a vector and the namespace;
// none of the macros is left behind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <Eigen/Core>

#ifdef __aarch64__
#include <arm_neon.h>
#endif

#include "steer/kernel/functions.hpp"
#include "steer/kernel/scalar.hpp"
#include "steer/kernel/strips.hpp"
#include "steer/kernel/tiles.hpp"

#define STEER_INLINE STEER_CODE [[gnu::always_inline]] inline
#define STEER_SHUFFLE __builtin_shufflevector
#ifdef __clang__
#define STEER_UNROLL _Pragma("clang loop unroll(full)")
#else
#define STEER_UNROLL _Pragma("GCC unroll 16")
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#define STEER_BIG_ENDIAN 1
#endif

namespace steer {
inline namespace v0 {
namespace kernel {
namespace detail {

#if defined(__x86_64__)

// Without what a unit's flags may add: a product would be fused with a sum, and a linker that keeps one unit's copy for
// all would give an older machine what it cannot run.
#define STEER_SET sse2
#define STEER_BYTES 16
#define STEER_LEAN true
#define STEER_CODE [[gnu::target("no-avx")]]
#include "steer/kernel/loops/all.inc"

#define STEER_SET avx2
#define STEER_BYTES 32
#define STEER_LEAN false
#define STEER_CODE [[gnu::target("avx2,fma,f16c,no-avx512f")]]
#include "steer/kernel/loops/all.inc"

#define STEER_SET avx512
#define STEER_BYTES 64
#define STEER_LEAN false
#define STEER_CODE [[gnu::target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl")]]
#include "steer/kernel/loops/all.inc"

#elif defined(__aarch64__)

#define STEER_SET neon
#define STEER_BYTES 16
#define STEER_LEAN false
#define STEER_CODE
#include "steer/kernel/loops/all.inc"

#else

#define STEER_SET plain
#define STEER_BYTES 16
#define STEER_LEAN true
#ifdef __clang__
#define STEER_CODE
#else
#define STEER_CODE [[gnu::optimize("fp-contract=off")]]
#endif
#include "steer/kernel/loops/all.inc"

#endif

}  // namespace detail

#undef STEER_INLINE
#undef STEER_SHUFFLE
#undef STEER_UNROLL
#undef STEER_BIG_ENDIAN

template <row_scalar Scalar>
const functions<Scalar>& functions_for(instruction_set set) noexcept {
#if defined(__x86_64__)
  return set == instruction_set::avx512 ? detail::avx512::table<Scalar>
         : set == instruction_set::avx2 ? detail::avx2::table<Scalar>
                                        : detail::sse2::table<Scalar>;
#elif defined(__aarch64__)
  return (void)set, detail::neon::table<Scalar>;
#else
  return (void)set, detail::plain::table<Scalar>;
#endif
}

}  // namespace kernel
}  // namespace v0
}  // namespace steer
