// steer/kernel/lane_sums.hpp: the sums of four packets' lanes at once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <Eigen/Core>

#include "steer/kernel/packet.hpp"

namespace steer {
inline namespace v0 {
namespace kernel {
namespace detail {

template <std::ptrdiff_t... i>
using indices = std::integer_sequence<std::ptrdiff_t, i...>;
template <std::ptrdiff_t Count>
using first_indices = std::make_integer_sequence<std::ptrdiff_t, Count>;

/// The lanes of a and b that the indices name; those of b count on from those of a.
template <class Vector, std::ptrdiff_t... i>
[[gnu::always_inline]] inline auto pick(const Vector& a, const Vector& b, indices<i...>) noexcept {
  return __builtin_shufflevector(a, b, i...);
}

/// Of each four lanes, the two from First on: a's and b's in turn, one at a time (a0 b0 a1 b1).
template <std::ptrdiff_t Lanes, std::ptrdiff_t First, std::ptrdiff_t... q>
constexpr auto singly(indices<q...>) noexcept {
  return indices<(q / 4 * 4 + First + q % 4 / 2 + q % 2 * Lanes)...>{};
}

/// The same, both of a before both of b (a0 a1 b0 b1).
template <std::ptrdiff_t Lanes, std::ptrdiff_t First, std::ptrdiff_t... q>
constexpr auto in_pairs(indices<q...>) noexcept {
  return indices<(q / 4 * 4 + First + q % 2 + q % 4 / 2 * Lanes)...>{};
}

template <std::ptrdiff_t First, std::ptrdiff_t... i>
constexpr auto from(indices<i...>) noexcept {
  return indices<(i + First)...>{};
}

/// The sum of all groups of four lanes, in four lanes.
template <std::ptrdiff_t Lanes, class Vector>
[[gnu::always_inline]] inline auto fold(const Vector& v) noexcept {
  if constexpr (Lanes == 4) {
    return v;
  } else {
    constexpr first_indices<Lanes / 2> lower;
    return fold<Lanes / 2>(pick(v, v, lower) + pick(v, v, from<Lanes / 2>(lower)));
  }
}

/// c[j] += the sum of v[j]'s lanes. Each is summed in the same order, however many stand side by side.
template <std::ptrdiff_t Count, class Real>
[[gnu::always_inline]] inline void add_lane_sums(const packet<Real>* v, Real* c) noexcept {
  constexpr std::ptrdiff_t width = lanes<Real>;
  if constexpr (width < 4) {
    repeat<Count>([&](auto j) { c[j] += Eigen::internal::predux(v[j]); });
  } else {
    typedef Real vector __attribute__((vector_size(width * sizeof(Real))));
    constexpr first_indices<width> every;
    repeat<(Count + 3) / 4>([&](auto group) {
      constexpr std::ptrdiff_t first = 4 * group;
      constexpr std::ptrdiff_t here = std::min<std::ptrdiff_t>(4, Count - first);
      vector four[4];
      repeat<4>([&](auto j) { four[j] = same_bits<vector>(v[first + std::min<std::ptrdiff_t>(j, here - 1)]); });
      const auto halves = [&](const vector& a, const vector& b) {
        return vector(pick(a, b, singly<width, 0>(every)) + pick(a, b, singly<width, 2>(every)));
      };
      const vector ab = halves(four[0], four[1]);
      const vector cd = halves(four[2], four[3]);
      const vector sums(pick(ab, cd, in_pairs<width, 0>(every)) + pick(ab, cd, in_pairs<width, 2>(every)));
      const auto folded = fold<width>(sums);
      repeat<here>([&](auto j) { c[first + j] += folded[j.value]; });
    });
  }
}

}  // namespace detail
}  // namespace kernel
}  // namespace v0
}  // namespace steer
