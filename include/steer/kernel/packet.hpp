// steer/kernel/packet.hpp: as many numbers as one vector register holds.
//
// Eigen's packets are the compiler's own vector types under one name for SSE2, AVX, AVX-512 and NEON, and a plain
// number where there is none. Multiplications are fused with additions explicitly: left to the compiler, two shapes of
// the same loop may round differently, and then a row's result would depend on its neighbours.
#pragma once

#include <concepts>
#include <cstddef>
#include <utility>
#include <Eigen/Core>

#include "steer/kernel/half.hpp"
#include "steer/kernel/scalar.hpp"

namespace steer {
inline namespace v0 {
namespace kernel {
namespace detail {

template <class Real>
using packet = typename Eigen::internal::packet_traits<Real>::type;

/// Numbers in a packet.
template <class Real>
inline constexpr std::ptrdiff_t lanes = Eigen::internal::packet_traits<Real>::size;

/// Calls act(0), ..., act(Count - 1) with constants: loops over registers, which must vanish early.
template <std::ptrdiff_t Count, class Act>
[[gnu::always_inline]] inline void repeat(Act&& act) noexcept {
  [&]<std::ptrdiff_t... i>(std::integer_sequence<std::ptrdiff_t, i...>) {
    (act(std::integral_constant<std::ptrdiff_t, i>{}), ...);
  }
  (std::make_integer_sequence<std::ptrdiff_t, Count>{});
}

template <class Real>
[[gnu::always_inline]] inline packet<Real> broadcast(Real value) noexcept {
  return Eigen::internal::pset1<packet<Real>>(value);
}

/// A packet that stays in a register: g++ 12 for AVX-512 loads what is used again anew for every multiplication.
template <class Packet>
[[gnu::always_inline]] inline Packet held(Packet loaded) noexcept {
#ifdef __AVX512F__
  asm("" : "+v"(loaded));
#endif
  return loaded;
}

/// From the strips, which are aligned.
template <class Real>
[[gnu::always_inline]] inline packet<Real> load_aligned(const Real* from) noexcept {
  return Eigen::internal::pload<packet<Real>>(from);
}

/// From a row, at any address, as the numbers that are computed in.
template <class Scalar>
[[gnu::always_inline]] inline packet<real_of<Scalar>> load(const Scalar* from) noexcept {
  if constexpr (std::same_as<Scalar, real_of<Scalar>>) {
    return Eigen::internal::ploadu<packet<Scalar>>(from);
  } else {
    return widen<packet<float>, lanes<float>>(from);
  }
}

/// Counts the numbers that rows of 16 bits cannot hold. Wider rows have none, and nothing is counted.
template <class Scalar>
class clamp_count {
 public:
  [[nodiscard]] static std::size_t total() noexcept { return 0; }
};
template <class Scalar>
  requires(!std::same_as<Scalar, real_of<Scalar>>)
class clamp_count<Scalar> {
 public:
  [[nodiscard]] std::size_t total() const noexcept {
    std::size_t sum = 0;
    for (std::ptrdiff_t lane = 0; lane < lanes<float>; ++lane) {
      sum += in_lane[lane];
    }
    return sum;
  }

  typename integers<lanes<float>>::wide in_lane{};
};

/// To a row, at any address; rounded to nearest, ties to even. What 16 bits cannot hold becomes the largest number that they
/// can, and is counted.
template <class Scalar>
[[gnu::always_inline]] inline void store(Scalar* to, const packet<real_of<Scalar>>& from,
                                         clamp_count<Scalar>& clamped) noexcept {
  if constexpr (std::same_as<Scalar, real_of<Scalar>>) {
    Eigen::internal::pstoreu(to, from);
  } else {
    narrow<packet<float>, lanes<float>>(to, from, clamped.in_lane);
  }
}

}  // namespace detail
}  // namespace kernel
}  // namespace v0
}  // namespace steer
