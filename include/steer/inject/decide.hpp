// steer/inject/decide.hpp: the decisions about one row, in k dimensions.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "steer/core/rows.hpp"
#include "steer/inject/group.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// What a latched gate has decided for a sequence.
struct latch_state {
  double share = 0.0;
  std::int32_t position = -1;  ///< of the row that decided; -1: none has
};

/// What is known of a row between its read and its write. The row itself still is what was read.
///
/// The row as it would be now is scale * h + Wᵀz; its coordinates and its norm follow from the Gram matrix.
template <class Real>
struct row_state {
  Real* c = nullptr;          ///< R times the row as it would be now [k]
  Real* z = nullptr;          ///< [m]
  Real scale{1};
  double squares = 0.0;       ///< |row as it would be now|²
  double largest = 0.0;       ///< of the squares since the row was read
  double entry_norm = 0.0;
  const row_info* info = nullptr;   ///< null where no node asks for facts
  const float* doses = nullptr;     ///< one for each edit of the recipe; null: all 1
  latch_state* latches = nullptr;   ///< of the row's sequence; null: all undecided
  bool changed = false;
};

/// Squares below this share of the largest have lost too many digits to differences.
inline constexpr double least_share = 1.0 / 16.0;

/// Nobody watches.
struct no_observer {
  template <class Real>
  void operator()(const node<Real>&, const row_state<Real>&, double, bool) const noexcept {}
};

template <class Real>
void keep_latch(const node<Real>& n, const row_state<Real>& row, double share) noexcept {
  if (row.latches != nullptr) {
    row.latches[n.latch] = {share, row.info->position};
  }
}

/// How much of a node's edit the row receives.
template <class Real>
double share_of(const node<Real>& n, const row_state<Real>& row) noexcept {
  double share = n.rows.everything() ? 1.0 : n.rows.weight(*row.info);
  if (share == 0.0) {
    return 0.0;
  }
  if (row.doses != nullptr && !n.sets_latch) {
    share *= static_cast<double>(row.doses[n.edits.front()]);
  }
  if (n.latch >= 0 && !n.sets_latch) {
    return row.latches != nullptr && row.info->phase == phase::generation
               ? share * row.latches[n.latch].share
               : 0.0;
  }
  return share * n.gate.share([&](std::size_t i) {
    const auto x = static_cast<double>(row.c[n.asks[i]]);
    if (n.gate.conditions[i].reading == reading::projection) {
      return x;
    }
    return row.squares > 0.0 ? x / std::sqrt(row.squares) : 0.0;
  });
}

/// Multiplies the row as it would be now.
template <class Real>
void stretch(const group<Real>& g, row_state<Real>& row, Real factor) noexcept {
  std::for_each(row.c, row.c + g.k(), [factor](Real& one) { one *= factor; });
  std::for_each(row.z, row.z + g.m, [factor](Real& one) { one *= factor; });
  row.scale *= factor;
  row.squares *= static_cast<double>(factor) * static_cast<double>(factor);
}

/// Adds Wᵀz to the row as it would be now, z [m] at the node's places.
template <class Real>
void move(const group<Real>& g, const node<Real>& n, row_state<Real>& row, const Real* z, bool read_again) noexcept {
  const std::ptrdiff_t k = g.k();
  for (std::size_t j = 0; j < n.writes.size(); ++j) {
    row.z[n.writes[j]] += z[j];
    if (read_again) {
      const Real* const column = g.gram.data() + n.writes[j] * k;
      for (std::ptrdiff_t i = 0; i < k; ++i) {
        row.c[i] += column[i] * z[j];
      }
    }
  }
}

/// |row + Wᵀz|², from |row|², W row and W Wᵀ.
template <class Real>
double squares_after(const group<Real>& g, const node<Real>& n, const row_state<Real>& row, const Real* z) noexcept {
  double sum = row.squares;
  for (std::size_t j = 0; j < n.writes.size(); ++j) {
    double along = 2.0 * static_cast<double>(row.c[n.moved[j]]);
    const Real* const column = g.gram.data() + n.writes[j] * g.k();
    for (std::size_t i = 0; i < n.writes.size(); ++i) {
      along += static_cast<double>(z[i]) * static_cast<double>(column[n.moved[i]]);
    }
    sum += static_cast<double>(z[j]) * along;
  }
  return std::max(sum, 0.0);
}

/// Decides for one row, node by node.
///
/// @param read_anew  called as `read_anew(row)` to write the row as it would be now and read it again, where the norm in k
///                   dimensions would be a difference of nearly equal numbers
/// @cost  O(k m) for each node; allocates nothing
template <class Real, class ReadAnew, class Observer>
void decide(const group<Real>& g, row_state<Real>& row, ReadAnew&& read_anew, Observer&& observe) noexcept {
  std::array<Real, static_cast<std::size_t>(most_reads)> c;
  std::array<Real, static_cast<std::size_t>(most_writes)> z;
  for (std::size_t at = 0; at < g.nodes.size(); ++at) {
    const node<Real>& n = g.nodes[at];
    const double share = share_of(n, row);
    if (n.sets_latch) {
      if (n.rows.contains(*row.info)) {  // the prompt's last row
        keep_latch(n, row, share);
      }
      observe(n, row, share, false);
      continue;
    }
    if (share == 0.0 || n.only_reads) {
      observe(n, row, share, false);
      continue;
    }
    const auto k = static_cast<std::ptrdiff_t>(n.reads.size());
    const auto m = static_cast<std::ptrdiff_t>(n.writes.size());
    for (std::ptrdiff_t i = 0; i < k; ++i) {
      c[static_cast<std::size_t>(i)] = row.c[n.reads[static_cast<std::size_t>(i)]];
    }
    Real s{1};
    if (n.decide == nullptr) {
      std::copy(n.shift.data(), n.shift.data() + m, z.data());
      for (std::ptrdiff_t i = 0; i < k; ++i) {
        const Real* const column = n.turn.data() + i * m;
        for (std::ptrdiff_t j = 0; j < m; ++j) {
          z[static_cast<std::size_t>(j)] += column[j] * c[static_cast<std::size_t>(i)];
        }
      }
    } else {
      s = n.decide(n.own.data(), {c.data(), n.reads_norm ? std::sqrt(row.squares) : 0.0, row.entry_norm}, z.data());
    }
    if (share != 1.0) {
      const auto g_real = static_cast<Real>(share);
      s = Real{1} + g_real * (s - Real{1});
      std::for_each(z.data(), z.data() + m, [g_real](Real& one) { one *= g_real; });
    }
    if (s == Real{1} && std::all_of(z.data(), z.data() + m, [](Real one) { return one == Real{0}; })) {
      observe(n, row, share, false);
      continue;
    }
    observe(n, row, share, true);
    row.changed = true;
    const bool tracked = !n.moved.empty();
    const double before = row.squares;
    if (s != Real{1}) {
      stretch(g, row, s);
    }
    const double after = tracked ? squares_after(g, n, row, z.data()) : 0.0;
    move(g, n, row, z.data(), at < g.last_reader);
    if (!tracked) {
      continue;
    }
    row.squares = after;
    row.largest = std::max(row.largest, after);
    if (after < least_share * row.largest) {
      read_anew(row);
    }
    if (const double factor = n.norm.factor(std::sqrt(before), std::sqrt(row.squares)); factor != 1.0) {
      stretch(g, row, static_cast<Real>(factor));
      row.largest = std::max(row.largest, row.squares);
    }
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
