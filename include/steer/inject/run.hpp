// steer/inject/run.hpp: the groups of one site applied to a block of rows: read, decide, write, while the rows are cached.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <variant>

#include "steer/core/rows.hpp"
#include "steer/inject/decide.hpp"
#include "steer/inject/group.hpp"
#include "steer/kernel/affine.hpp"
#include "steer/kernel/read.hpp"
#include "steer/kernel/row.hpp"
#include "steer/kernel/write.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// One row of a block, and what belongs to it. Without initial values, which a call would pay for.
template <class Scalar>
struct row_job {
  Scalar* data;
  const row_info* info;
  const float* doses;  ///< see `row_state`
  latch_state* latches;
};

/// One row through one direction that is read and one that is written: it stays in the L1 cache between the two.
/// @return the coordinate read
template <class Scalar, class Real>
Real apply_rank_one(const group<Real>& g, std::span<Scalar> h) noexcept {
  const node<Real>& n = g.nodes.front();
  // The only direction of strips is contiguous.
  const Real c = kernel::dot<Scalar>(std::span<const Real>(g.read.data(), h.size()), h);
  if (const Real z = n.turn(0, 0) * c + n.shift[0]; z != Real{0}) {
    kernel::add(h, z, std::span<const Real>(g.written().data(), h.size()));
  }
  return c;
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
      apply_rank_one(g, std::span<Scalar>(row_of(i) + g.where.first, d));
    }
    return true;
  }
  return false;
}

/// Runs the groups of a site over at most `kernel::block_rows` rows.
///
/// @param observe  called as observe(node, row_state, share, changed) for every decision
/// @cost  each group reads and writes the block once; about 80 KB of stack, 200 KB where a group is dense; allocates nothing
template <class Scalar, class Observer>
class block_run {
 public:
  using Real = kernel::real_of<Scalar>;

  block_run(const site_program<Real>& site, std::span<const row_job<Scalar>> jobs, Observer& observe) noexcept
      : site_(site), jobs_(jobs), observe_(observe) {}

  void operator()() noexcept {
    for (const auto& [entry, where] : site_.early_entries) {
      for (std::size_t i = 0; i < jobs_.size(); ++i) {
        entry_norms_[slot(entry, i)] = static_cast<double>(kernel::norm<Scalar>(slice(i, where)));
      }
    }
    for (const group<Real>& g : site_.groups) {
      choose_rows(g);
      if (count_ > 0) {
        std::visit([&](const auto& stage) { apply(g, stage); }, g.stage);
      }
    }
  }

 private:
  static constexpr auto block = static_cast<std::size_t>(kernel::block_rows);

  [[nodiscard]] static std::size_t slot(std::ptrdiff_t entry, std::size_t row) noexcept {
    return static_cast<std::size_t>(entry) * block + row;
  }
  [[nodiscard]] std::span<Scalar> slice(std::size_t row, const columns& where) const noexcept {
    return {jobs_[row].data + where.first, static_cast<std::size_t>(where.count)};
  }
  [[nodiscard]] std::span<Scalar* const> chosen() const noexcept { return {rows_.data(), count_}; }

  /// The rows that the group's schedules do not all exclude.
  void choose_rows(const group<Real>& g) noexcept {
    count_ = 0;
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      if (g.every_row || std::any_of(g.nodes.begin(), g.nodes.end(), [&](const node<Real>& n) {
            return n.concerns(*jobs_[i].info);
          })) {
        rows_[count_] = jobs_[i].data + g.where.first;
        job_[count_++] = i;
      }
    }
  }

  /// Whether every row receives the same affine change.
  [[nodiscard]] bool is_plain(const group<Real>& g) const noexcept { return g.plain && jobs_.front().doses == nullptr; }

  /// Shows a row of a plain group to the observer.
  void watch(const group<Real>& g, std::size_t i) noexcept {
    if constexpr (!std::same_as<Observer, no_observer>) {
      row_state<Real> row = begin(g, i, nullptr);
      row.c = c_.data() + static_cast<std::ptrdiff_t>(i) * g.k();
      observe_(g.nodes.front(), row, 1.0, true);
    }
  }

  /// The row as the group finds it.
  [[nodiscard]] row_state<Real> begin(const group<Real>& g, std::size_t i, const Real* squares) noexcept {
    const row_job<Scalar>& job = jobs_[job_[i]];
    row_state<Real> row;
    row.info = job.info;
    row.doses = job.doses;
    row.latches = job.latches;
    if (g.needs_norm || g.records_entry) {
      const std::span<const Scalar> h = slice(job_[i], g.where);
      const auto norm = static_cast<double>(squares != nullptr ? kernel::norm<Scalar>(h, *squares) : kernel::norm<Scalar>(h));
      row.squares = norm * norm;
      row.largest = row.squares;
      if (g.records_entry) {
        entry_norms_[slot(g.entry, job_[i])] = norm;
      }
    }
    if (g.entry >= 0) {
      row.entry_norm = entry_norms_[slot(g.entry, job_[i])];
    }
    return row;
  }

  void apply(const group<Real>& g, const bias_stage<Real>& stage) noexcept {
    const std::span<const Real> bias(stage.bias.data(), static_cast<std::size_t>(stage.bias.size()));
    if (is_plain(g)) {
      for (std::size_t i = 0; i < count_; ++i) {
        watch(g, i);
        kernel::add(slice(job_[i], g.where), bias);
      }
      return;
    }
    for (std::size_t i = 0; i < count_; ++i) {
      row_state<Real> row = begin(g, i, nullptr);
      Real z{0};
      row.z = &z;
      decide(g, row, [](row_state<Real>&) {}, observe_);
      const std::span<Scalar> h = slice(job_[i], g.where);
      if (z == Real{1}) {
        kernel::add(h, bias);
      } else if (z != Real{0}) {
        kernel::add(h, z, bias);
      }
    }
  }

  void apply(const group<Real>& g, const low_rank_stage<Real>&) noexcept {
    if (is_plain(g) && is_rank_one(g)) {
      for (std::size_t i = 0; i < count_; ++i) {
        c_[i] = apply_rank_one(g, std::span<Scalar>(rows_[i], static_cast<std::size_t>(g.where.count)));
        watch(g, i);
      }
      return;
    }
    read(g);
    if (is_plain(g)) {
      apply_plainly(g);
      return;
    }
    const std::ptrdiff_t k = g.k();
    std::size_t moved = 0;
    bool scaled = false;
    for (std::size_t i = 0; i < count_; ++i) {
      row_state<Real> row = begin(g, i, squares_.data() + i);
      row.c = c_.data() + static_cast<std::ptrdiff_t>(i) * k;
      row.z = z_.data() + static_cast<std::ptrdiff_t>(moved) * g.m;
      std::fill(row.z, row.z + g.m, Real{0});
      Scalar* const h = rows_[i];
      decide(g, row, [&](row_state<Real>& now) { read_anew(g, h, now); }, observe_);
      if (row.changed) {
        scaled |= row.scale != Real{1};
        scales_[moved] = row.scale;
        rows_[moved++] = h;
      }
    }
    kernel::write(std::span<Scalar* const>(rows_.data(), moved), g.written(), z_.data(), scaled ? scales_.data() : nullptr);
  }

  /// z = turn c + shift for every row, with nothing to decide.
  void apply_plainly(const group<Real>& g) noexcept {
    const node<Real>& n = g.nodes.front();
    const std::ptrdiff_t k = g.k();
    for (std::size_t i = 0; i < count_; ++i) {
      const Real* const c = c_.data() + static_cast<std::ptrdiff_t>(i) * k;
      Real* const z = z_.data() + static_cast<std::ptrdiff_t>(i) * g.m;
      watch(g, i);
      std::copy(n.shift.data(), n.shift.data() + g.m, z);
      for (std::ptrdiff_t a = 0; a < k; ++a) {
        const Real* const column = n.turn.data() + a * g.m;
        for (std::ptrdiff_t j = 0; j < g.m; ++j) {
          z[j] += column[j] * c[a];
        }
      }
    }
    kernel::write(chosen(), g.written(), z_.data(), nullptr);
  }

  void apply(const group<Real>& g, const diagonal_stage<Real>& stage) noexcept {
    read(g);
    const auto d = static_cast<std::size_t>(g.where.count);
    for (std::size_t i = 0; i < count_; ++i) {
      map_row(g, i, [&](std::span<Scalar> h, Real share) {
        kernel::add_diagonal(h, share, std::span<const Real>(stage.growth.data(), d), std::span<const Real>(stage.shift.data(), d));
      });
    }
  }

  void apply(const group<Real>& g, const dense_stage<Real>& stage) noexcept {
    read(g);
    const auto d = static_cast<std::size_t>(g.where.count);
    std::array<Real, static_cast<std::size_t>(dense_numbers)> mapped;
    const std::size_t at_once = std::max<std::size_t>(1, mapped.size() / d);
    for (std::size_t first = 0; first < count_; first += at_once) {
      const std::size_t here = std::min(at_once, count_ - first);
      kernel::read(std::span<Scalar* const>(rows_.data() + first, here), stage.linear, mapped.data(), nullptr);
      for (std::size_t i = 0; i < here; ++i) {
        map_row(g, first + i, [&](std::span<Scalar> h, Real share) {
          kernel::blend(h, share, std::span<const Real>(mapped.data() + i * d, d), std::span<const Real>(stage.shift.data(), d));
        });
      }
    }
  }

  /// One row through a map, as much of it as the group's only node says.
  template <class Map>
  void map_row(const group<Real>& g, std::size_t i, Map map) noexcept {
    const node<Real>& n = g.nodes.front();
    row_state<Real> row = begin(g, i, squares_.data() + i);
    row.c = c_.data() + static_cast<std::ptrdiff_t>(i) * g.k();
    const double share = share_of(n, row);
    observe_(n, row, share, share != 0.0);
    if (share == 0.0) {
      return;
    }
    const std::span<Scalar> h = slice(job_[i], g.where);
    map(h, static_cast<Real>(share));
    if (n.norm.rule != norm_rule::none) {
      const double factor = n.norm.factor(std::sqrt(row.squares), static_cast<double>(kernel::norm<Scalar>(h)));
      if (factor != 1.0) {
        kernel::multiply(h, static_cast<Real>(factor));
      }
    }
  }

  void read(const group<Real>& g) noexcept {
    if (g.k() > 0) {
      kernel::read(chosen(), g.read, c_.data(), g.needs_norm || g.records_entry ? squares_.data() : nullptr);
    } else if (g.needs_norm || g.records_entry) {
      for (std::size_t i = 0; i < count_; ++i) {
        const std::span<const Scalar> h = slice(job_[i], g.where);
        const Real norm = kernel::norm<Scalar>(h);
        squares_[i] = norm * norm;
      }
    }
  }

  /// Writes one row as it would be now, and reads it again.
  void read_anew(const group<Real>& g, Scalar* h, row_state<Real>& row) noexcept {
    const std::array<Scalar*, 1> one{h};
    kernel::write(std::span<Scalar* const>(one), g.written(), row.z, &row.scale);
    std::fill(row.z, row.z + g.m, Real{0});
    row.scale = Real{1};
    Real squares{0};
    kernel::read(std::span<Scalar* const>(one), g.read, row.c, &squares);
    const auto norm = static_cast<double>(
        kernel::norm<Scalar>(std::span<const Scalar>(h, static_cast<std::size_t>(g.where.count)), squares));
    row.squares = norm * norm;
    row.largest = row.squares;
  }

  const site_program<Real>& site_;
  std::span<const row_job<Scalar>> jobs_;
  Observer& observe_;

  std::size_t count_ = 0;              // rows that the group at hand acts on
  std::array<Scalar*, block> rows_;    // their columns
  std::array<std::size_t, block> job_; // and which they are
  std::array<Real, block> squares_;
  std::array<Real, block> scales_;
  std::array<Real, block * static_cast<std::size_t>(most_reads)> c_;
  std::array<Real, block * static_cast<std::size_t>(most_writes)> z_;
  std::array<double, block * static_cast<std::size_t>(most_entries)> entry_norms_;
};

}  // namespace detail
}  // namespace v0
}  // namespace steer
