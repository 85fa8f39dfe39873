// steer/inject/decide.hpp: the decisions about one row, in k dimensions.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "steer/core/rows.hpp"
#include "steer/inject/group.hpp"
#include "steer/inject/latch_state.hpp"
#include "steer/kernel/functions.hpp"
#include "steer/kernel/rounded_product.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// What is known of a row between its read and its write. The row itself still is what was read.
///
/// The row as it would be now is scale * h + Wᵀz; its coordinates and its norm follow from the Gram matrix.
struct row_state {
  double* c = nullptr;             ///< R times the row as it would be now [k]
  double* z = nullptr;             ///< [m]
  double scale = 1.0;
  double squares = 0.0;            ///< |row as it would be now|²
  double largest = 0.0;            ///< of what `squares` was made of by differences
  double entry_norm = 0.0;
  const row_info* info = nullptr;  ///< null where no node asks for facts
  const float* doses = nullptr;    ///< one for each edit of the recipe; null: all 1
  latch_state* latches = nullptr;  ///< of the row's sequence; null: all undecided
  std::uint64_t passages = 0;      ///< that the row is in, a bit for each of the program's
  bool changed = false;
};

/// Squares below this share of what they were made of have lost too many digits to differences.
inline constexpr double least_share = 1.0 / 16.0;

/// Nobody watches.
struct no_observer {
  void operator()(const node&, const row_state&, double, bool) const noexcept {}
};

/// How much of a node's edit a row receives that the node concerns.
inline double share_of(const node& n, const row_state& row) noexcept {
  double share = n.rows.everything() ? 1.0 : n.rows.weight(*row.info);
  if (row.doses != nullptr) {
    share *= static_cast<double>(row.doses[n.edits.front()]);
  }
  if (share == 0.0) {  // whatever the gate reads, and that may be NaN
    return 0.0;
  }
  if (n.follows_latch()) {
    return row.latches != nullptr ? share * row.latches[n.latch].share_at(row.info->position) : 0.0;
  }
  return share * n.gate.share_of([&](std::size_t i) {
    const double x = row.c[n.asks[i]];
    if (n.gate.conditions[i].reading == reading::projection) {
      return x;
    }
    return row.squares > 0.0 ? x / std::sqrt(row.squares) : 0.0;
  });
}

/// Multiplies the row as it would be now.
template <class Real>
void stretch(const group<Real>& g, row_state& row, double factor) noexcept {
  const auto stretched = [factor](double& one) { one = kernel::rounded_product(one, factor); };
  std::for_each(row.c, row.c + g.k(), stretched);
  std::for_each(row.z, row.z + g.m, stretched);
  stretched(row.scale);
  row.squares = kernel::rounded_product(row.squares, factor * factor);
  row.largest = kernel::rounded_product(row.largest, factor * factor);
}

/// See `kernel::functions`.
using combine_call = decltype(kernel::functions<float>::combine);

/// z = linear c + shift
inline void apply_affine(combine_call combine, const node& n, const double* c, double* z) noexcept {
  const auto m = static_cast<std::size_t>(n.shift.size());
  std::copy(n.shift.data(), n.shift.data() + m, z);
  combine({z, m}, n.linear.data(), {c, static_cast<std::size_t>(n.linear.cols())});
}

/// Adds Wᵀz to the row as it would be now, z [m] at the node's places; nobody reads coordinates again after the last reader.
template <class Real>
void add_to_row(combine_call combine, const group<Real>& g, const node& n, row_state& row, const double* z,
                bool is_last_reader) noexcept {
  for (std::size_t j = 0; j < n.writes.size(); ++j) {
    row.z[n.writes[j]] += z[j];
    if (!is_last_reader) {
      combine({row.c, static_cast<std::size_t>(g.k())}, g.gram.data() + n.writes[j] * g.k(), {z + j, 1});
    }
  }
}

/// Moves `squares` on by the addition of Wᵀz: |row + Wᵀz|² = |row|² + 2 zᵀ(W row) + zᵀ(W Wᵀ)z.
template <class Real>
void add_to_squares(const group<Real>& g, const node& n, row_state& row, const double* z) noexcept {
  double sum = row.squares;
  for (std::size_t j = 0; j < n.writes.size(); ++j) {
    double along = 2.0 * row.c[n.moved[j]];
    const double* const column = g.gram.data() + n.writes[j] * g.k();
    for (std::size_t i = 0; i < n.writes.size(); ++i) {
      along += kernel::rounded_product(z[i], column[n.moved[i]]);
    }
    sum += kernel::rounded_product(z[j], along);
    row.largest = std::max(row.largest, z[j] * z[j] * column[n.moved[j]]);
  }
  row.squares = std::max(sum, 0.0);
  row.largest = std::max(row.largest, row.squares);
}

/// Decides for one row, node by node. Products are rounded before they are added, whatever the unit's flags.
///
/// @param read_anew  called as `read_anew(row)` to write the row as it would be now and read it again, where the norm in k
///                   dimensions would be a difference of nearly equal numbers
/// @param observe    called as `observe(node, row, share, changed)` for every node that concerns the row, before it acts
/// @cost  O(k m) for each node; allocates nothing
template <class Real, class ReadAnew, class Observer>
void decide(combine_call combine, const group<Real>& g, row_state& row, ReadAnew&& read_anew, Observer&& observe) noexcept {
  std::array<double, static_cast<std::size_t>(most_reads)> c;
  std::array<double, static_cast<std::size_t>(most_writes)> z;
  for (std::size_t at = 0; at < g.nodes.size(); ++at) {
    const node& n = g.nodes[at];
    if (!n.concerns_every_row() && !n.concerns(*row.info, row.passages)) {
      continue;
    }
    const double share = share_of(n, row);
    if (n.sets_latch && row.latches != nullptr) {
      row.latches[n.latch].decide(share, row.info->position, row.info->stream);
    }
    if (share == 0.0 || n.only_reads) {
      observe(n, row, share, false);
      continue;
    }
    for (std::size_t i = 0; i < n.reads.size(); ++i) {
      c[i] = row.c[n.reads[i]];
    }
    double s = 1.0;
    if (n.decide == nullptr) {
      apply_affine(combine, n, c.data(), z.data());
    } else {
      s = n.decide(n.own.data(), {c.data(), n.reads_norm ? std::sqrt(row.squares) : 0.0, row.entry_norm}, z.data());
    }
    double* const z_end = z.data() + n.writes.size();
    if (share != 1.0) {
      s = 1.0 + kernel::rounded_product(share, s - 1.0);
      std::for_each(z.data(), z_end, [share](double& one) { one = kernel::rounded_product(one, share); });
    }
    const bool changes = s != 1.0 || std::any_of(z.data(), z_end, [](double one) { return one != 0.0; });
    observe(n, row, share, changes);
    if (!changes) {
      continue;
    }
    row.changed = true;
    const bool tracked = !n.moved.empty();
    const double before = row.squares;
    if (s != 1.0) {
      stretch(g, row, s);
    }
    if (tracked) {
      add_to_squares(g, n, row, z.data());
    }
    add_to_row(combine, g, n, row, z.data(), at >= g.last_reader);
    if (!tracked) {
      continue;
    }
    if (row.squares < least_share * row.largest) {
      read_anew(row);
    }
    if (const double factor = n.norm.factor(std::sqrt(before), std::sqrt(row.squares)); factor != 1.0) {
      stretch(g, row, factor);
    }
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
