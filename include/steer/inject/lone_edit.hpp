// steer/inject/lone_edit.hpp: one addition, or one direction that is read and one that is written, for every row alike.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "steer/inject/group.hpp"
#include "steer/kernel/functions.hpp"
#include "steer/kernel/rounded_product.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// What a group amounts to if it is as simple as that: a row then stays in the L1 cache between its read and its write, and
/// needs no block. Points into the group.
template <class Real>
struct lone_edit {
  enum class kind : std::uint8_t { none, addition, rank_one } what = kind::none;
  columns where = {};
  const Real* read = nullptr;
  const Real* written = nullptr;
  double linear = 0.0;  ///< z = linear c + shift
  double shift = 0.0;
};

template <class Real>
lone_edit<Real> lone_edit_of(const group<Real>& g) noexcept {
  using kind = typename lone_edit<Real>::kind;
  if (!g.plain) {
    return {};
  }
  if (const auto* const bias = std::get_if<bias_stage<Real>>(&g.stage)) {
    return {kind::addition, g.where, nullptr, bias->bias.data()};
  }
  if (g.k() != 1 || g.m != 1 || !std::holds_alternative<low_rank_stage<Real>>(g.stage)) {
    return {};
  }
  const node& n = g.nodes.front();  // the only direction of strips is contiguous
  return {kind::rank_one, g.where, g.read.data(), g.written().data(), n.linear(0, 0), n.shift[0]};
}

/// Runs it on one row.
///
/// @param loops  those of one set of instructions
/// @param row    the whole row
/// @param watch  called as watch(c, changes) with the address of the coordinate read, null where none is
/// @return how many numbers 16 bits could not hold
template <class Scalar, class Real, class Watch>
std::size_t apply(const kernel::functions<Scalar>& loops, const lone_edit<Real>& edit, Scalar* row, Watch watch) noexcept {
  const std::span<Scalar> h(row + edit.where.first, static_cast<std::size_t>(edit.where.count));
  const std::span<const Real> written(edit.written, h.size());
  if (edit.what == lone_edit<Real>::kind::addition) {
    watch(nullptr, true);
    return loops.add(h, Real{1}, written);
  }
  auto c = static_cast<double>(loops.dot(std::span<const Real>(edit.read, h.size()), h));
  const double z = edit.shift + kernel::rounded_product(edit.linear, c);
  watch(&c, z != 0.0);
  return z != 0.0 ? loops.add(h, static_cast<Real>(z), written) : 0;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
