// steer/inject/lone_edit.hpp: sites at which one addition or one direction is all there is.
#pragma once

#include <cstddef>
#include <span>
#include <variant>

#include "steer/inject/group.hpp"
#include "steer/kernel/row.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// One row through one direction that is read and one that is written: it stays in the L1 cache between the two.
/// @param watch  called as watch(c, z) with the coordinate read and the dose written
template <class Scalar, class Real, class Watch>
void apply_rank_one(const group<Real>& g, std::span<Scalar> h, Watch watch) noexcept {
  const node& n = g.nodes.front();
  // The only direction of strips is contiguous.
  const auto c = static_cast<double>(kernel::dot<Scalar>(std::span<const Real>(g.read.data(), h.size()), h));
  const double z = n.linear(0, 0) * c + n.shift[0];
  watch(c, z);
  if (z != 0.0) {
    kernel::add(h, static_cast<Real>(z), std::span<const Real>(g.written().data(), h.size()));
  }
}

template <class Real>
bool is_rank_one(const group<Real>& g) noexcept {
  return g.plain && g.k() == 1 && g.m == 1 && std::holds_alternative<low_rank_stage<Real>>(g.stage);
}

/// Runs a site at which one addition or one direction is all there is, for every row alike: without blocks.
/// @return whether it is such a site
template <class Scalar, class Real, class RowOf>
bool run_lone_edit(const site_program<Real>& site, std::ptrdiff_t count, RowOf row_of) noexcept {
  const group<Real>& g = site.groups.front();
  if (site.groups.size() != 1 || !g.plain) {
    return false;
  }
  const auto d = static_cast<std::size_t>(g.where.count);
  if (const auto* const bias = std::get_if<bias_stage<Real>>(&g.stage)) {
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      kernel::add(std::span<Scalar>(row_of(i) + g.where.first, d), std::span<const Real>(bias->bias.data(), d));
    }
    return true;
  }
  if (is_rank_one(g)) {
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      apply_rank_one(g, std::span<Scalar>(row_of(i) + g.where.first, d), [](double, double) {});
    }
    return true;
  }
  return false;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
