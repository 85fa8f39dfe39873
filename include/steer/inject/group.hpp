// steer/inject/group.hpp: what a plan does at one site, compiled: groups of edits that share one read and one write.
#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "steer/inject/term.hpp"
#include "steer/kernel/strips.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Limits of one group, which fix the size of what a call keeps on the stack. Longer stacks become several groups.
inline constexpr std::ptrdiff_t most_reads = 256;
inline constexpr std::ptrdiff_t most_writes = 128;
/// Numbers of dense rows that a call keeps on the stack, and so the widest row of a dense edit.
inline constexpr std::ptrdiff_t dense_numbers = 32768;
/// Numbers of 16-bit rows that a call keeps on the stack as floats, and so the widest row that is written more than once.
inline constexpr std::ptrdiff_t widened_numbers = 32768;
/// Sets of columns at one site whose norm on entry matters.
inline constexpr std::ptrdiff_t most_entries = 256;

/// One decision about a row: an edit, several affine ones merged, or the reading of a latched gate.
struct node {
  std::vector<std::size_t> edits;         ///< places in the recipe
  std::vector<float> shares;              ///< of each, as far as it is in the numbers below: what telemetry adds
  std::vector<std::vector<int>> seen;     ///< for each of the edits, the rows of the group's R that it reads
  std::vector<int> reads;                 ///< rows of the group's R [k]
  std::vector<int> writes;                ///< rows of the group's W [m]
  std::vector<int> asks;                  ///< rows of R that the gate reads
  std::vector<int> moved;                 ///< the rows of R that equal `writes`; only where norms are tracked
  Eigen::MatrixXd linear;                 ///< [m, k]
  Eigen::VectorXd shift;                  ///< [m]
  decide_call decide = nullptr;           ///< null: affine
  std::vector<double> own;                ///< the numbers that `decide` receives
  schedule rows;
  steer::gate gate;
  norm_mode norm;
  std::ptrdiff_t latch = -1;
  bool sets_latch = false;
  bool reads_norm = false;                ///< |h| as the node finds the row
  bool reads_entry = false;               ///< |h| on entry to the plan
  bool only_reads = false;
  std::uint64_t passages = 0;             ///< a bit for each of the program's passages that a row must be in

  /// Whether the row's facts, and the passages that it is in, let the node act on it.
  [[nodiscard]] bool concerns(const row_info& row, std::uint64_t in_passages) const noexcept {
    return (passages & ~in_passages) == 0 && (latch < 0 || sets_latch || row.phase == phase::generation) && rows.contains(row);
  }
  [[nodiscard]] bool concerns_every_row() const noexcept { return latch < 0 && rows.everything(); }
  /// The share is what the latch keeps.
  [[nodiscard]] bool follows_latch() const noexcept { return latch >= 0 && !sets_latch; }
};

/// h' = h + share (growth ∘ h + shift)
template <class Real>
struct diagonal_stage {
  Eigen::Array<Real, Eigen::Dynamic, 1> growth;
  Eigen::Array<Real, Eigen::Dynamic, 1> shift;
};

/// h' = h + share (linear h + shift - h)
template <class Real>
struct dense_stage {
  std::shared_ptr<const kernel::strips<Real>> linear;  ///< the same for all sites of one map
  Eigen::Array<Real, Eigen::Dynamic, 1> shift;
};

/// h' = h + z bias: one direction is written, and no coordinate is read.
template <class Real>
struct bias_stage {
  kernel::strips<Real> bias;  ///< one, and so contiguous; aligned to cache lines, whatever the unit's flags make of Eigen's arrays
};

/// h' = s h + Wᵀz
template <class Real>
struct low_rank_stage {
  kernel::strips<Real> write;  ///< empty if W is R
  bool write_is_read = false;
};

/// Decisions that follow one reading of a row, and the one change that they amount to.
///
/// Diagonal and dense stages have one node, which says how much of the map a row receives.
template <class Real>
struct group {
  columns where;
  std::vector<node> nodes;
  kernel::strips<Real> read;                                    ///< R [k, width]
  Eigen::MatrixXd gram;                                         ///< R Wᵀ [k, m]
  std::variant<low_rank_stage<Real>, bias_stage<Real>, diagonal_stage<Real>, dense_stage<Real>> stage;
  std::ptrdiff_t m = 0;
  std::size_t last_reader = 0;      ///< the last node that reads coordinates or norms: after it they need not be right
  bool plain = false;               ///< one affine node, for every row alike
  bool every_row = false;           ///< some node acts on every row
  bool needs_norm = false;
  bool writes = false;
  std::ptrdiff_t entry = -1;        ///< where the norm on entry of these columns is kept
  bool records_entry = false;       ///< this group is the first that sees these columns

  [[nodiscard]] std::ptrdiff_t k() const noexcept { return read.count(); }
  /// Neither a diagonal nor a dense map.
  [[nodiscard]] bool is_low_rank() const noexcept {
    return std::holds_alternative<low_rank_stage<Real>>(stage) || std::holds_alternative<bias_stage<Real>>(stage);
  }
  [[nodiscard]] const kernel::strips<Real>& written() const noexcept {
    const auto& low_rank = std::get<low_rank_stage<Real>>(stage);
    return low_rank.write_is_read ? read : low_rank.write;
  }
};

/// Everything at one site, in order.
template <class Real>
struct site_program {
  std::vector<group<Real>> groups;
  std::vector<std::pair<std::ptrdiff_t, columns>> early_entries;  ///< norms to take before the first group
  std::ptrdiff_t entries = 0;
  bool writes = false;
  bool every_row = true;  ///< no node asks for a row's facts
  /// A row is written at most once: there is one group, which is no map and needs no norm of a row that it has changed. Other
  /// rows of 16 bits are steered as floats, and rounded when all is done.
  bool writes_once = true;
};

}  // namespace detail
}  // namespace v0
}  // namespace steer
