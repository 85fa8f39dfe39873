// steer/inject/run.hpp: the groups of one site applied to a block of rows: read, decide, write, while the rows are cached.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "steer/core/rows.hpp"
#include "steer/inject/decide.hpp"
#include "steer/inject/group.hpp"
#include "steer/inject/lone_edit.hpp"
#include "steer/kernel/functions.hpp"
#include "steer/kernel/norm.hpp"
#include "steer/kernel/rounded_product.hpp"

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
  std::uint64_t passages;  ///< that the row is in, a bit for each of the program's
};

/// Runs the groups of a site over at most `kernel::block_rows` rows.
///
/// Rows of 16 bits are given here only where they are written once, see `site_program`.
///
/// @param loops    those of one set of instructions
/// @param observe  called as observe(node, row_state, share, changed) for every decision
/// @cost  each group reads and writes the block once; about 90 KiB of stack (double 125), and 130 more (double 260) where a
///        group is dense; allocates nothing
template <class Scalar, class Observer>
class block_run {
 public:
  using Real = kernel::real_of<Scalar>;
  static constexpr bool is_wide = std::same_as<Scalar, Real>;

  block_run(const kernel::functions<Scalar>& loops, const site_program<Real>& site, std::span<const row_job<Scalar>> jobs,
            Observer& observe) noexcept
      : loops_(loops),
        site_(site),
        jobs_(jobs),
        observe_(observe),
        dosed_(std::any_of(jobs.begin(), jobs.end(), [](const auto& job) { return job.doses != nullptr; })) {}

  /// @return how many numbers 16 bits could not hold
  std::size_t operator()() noexcept {
    for (const auto& [entry, where] : site_.early_entries) {
      for (std::size_t i = 0; i < jobs_.size(); ++i) {
        entry_norms_[slot(entry, i)] = norm_of(slice(i, where));
      }
    }
    for (const group<Real>& g : site_.groups) {
      choose_rows(g);
      if (count_ == 0) {
        continue;
      }
      if (const auto lone = is_plain(g) ? lone_edit_of(g) : lone_edit<Real>{}; lone.what != lone_edit<Real>::kind::none) {
        for (std::size_t i = 0; i < count_; ++i) {
          clamped_ += detail::apply(loops_, lone, jobs_[job_[i]].data, [&](double* c, bool changes) { watch(g, i, c, changes); });
        }
        continue;
      }
      std::visit(
          [&](const auto& stage) {
            if constexpr (requires { apply(g, stage); }) {
              apply(g, stage);
            }
          },
          g.stage);
    }
    return clamped_;
  }

 private:
  static constexpr auto block = static_cast<std::size_t>(kernel::block_rows);

  [[nodiscard]] static std::size_t slot(std::ptrdiff_t entry, std::size_t row) noexcept {
    return static_cast<std::size_t>(entry) * block + row;
  }
  [[nodiscard]] std::span<Scalar> slice(std::size_t row, const columns& where) const noexcept {
    return {jobs_[row].data + where.first, static_cast<std::size_t>(where.count)};
  }
  [[nodiscard]] double norm_of(std::span<const Scalar> h) const noexcept {
    return static_cast<double>(kernel::norm<Scalar>(h, loops_.squared_norm(h)));
  }
  [[nodiscard]] std::span<Scalar* const> chosen() const noexcept { return {rows_.data(), count_}; }

  /// The rows that the group's schedules do not all exclude.
  void choose_rows(const group<Real>& g) noexcept {
    count_ = 0;
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      if (g.every_row || std::any_of(g.nodes.begin(), g.nodes.end(), [&](const node& n) {
            return n.concerns(*jobs_[i].info, jobs_[i].passages);
          })) {
        rows_[count_] = jobs_[i].data + g.where.first;
        job_[count_++] = i;
      }
    }
  }

  /// Whether every row receives the same affine change. One row with doses of its own takes the others of its block with it,
  /// which receive the same bits either way.
  [[nodiscard]] bool is_plain(const group<Real>& g) const noexcept { return g.plain && !dosed_; }

  /// Shows a row of a plain group to the observer.
  void watch(const group<Real>& g, std::size_t i, double* c, bool changed) noexcept {
    row_state row;
    row.info = jobs_[job_[i]].info;
    row.c = c;
    observe_(g.nodes.front(), row, 1.0, changed);
  }

  /// The row as the group finds it.
  [[nodiscard]] row_state begin(const group<Real>& g, std::size_t i) noexcept {
    const row_job<Scalar>& job = jobs_[job_[i]];
    row_state row;
    row.info = job.info;
    row.doses = job.doses;
    row.latches = job.latches;
    row.passages = job.passages;
    if (g.needs_norm || g.records_entry) {
      const auto norm = static_cast<double>(kernel::norm<Scalar>(slice(job_[i], g.where), squares_[i]));
      row.squares = kernel::rounded_product(norm, norm);
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
    const std::span<const Real> bias(stage.bias.data(), static_cast<std::size_t>(stage.bias.width()));
    read(g);
    for (std::size_t i = 0; i < count_; ++i) {
      const std::span<Scalar> h = slice(job_[i], g.where);
      row_state row = begin(g, i);
      double z = 0.0;
      row.z = &z;
      decide(loops_.combine, g, row, [](row_state&) {}, observe_);
      if (z != 0.0) {
        clamped_ += loops_.add(h, static_cast<Real>(z), bias);
      }
    }
  }

  void apply(const group<Real>& g, const low_rank_stage<Real>&) noexcept {
    read(g);
    if (is_plain(g)) {
      apply_plainly(g);
      return;
    }
    std::array<double, static_cast<std::size_t>(most_reads)> c;
    std::array<double, static_cast<std::size_t>(most_writes)> z;
    std::size_t moved = 0;
    bool scaled = false;
    for (std::size_t i = 0; i < count_; ++i) {
      row_state row = begin(g, i);
      std::copy_n(coordinates(g, i), g.k(), c.data());
      std::fill_n(z.data(), g.m, 0.0);
      row.c = c.data();
      row.z = z.data();
      Scalar* const h = rows_[i];
      decide(loops_.combine, g, row, [&](row_state& now) { read_anew(g, h, now); }, observe_);
      if (row.changed) {
        scaled |= row.scale != 1.0;
        scales_[moved] = static_cast<Real>(row.scale);
        rows_[moved] = h;
        narrow(row.z, g.m, doses(g, moved++));
      }
    }
    clamped_ += loops_.write(std::span<Scalar* const>(rows_.data(), moved), g.written(), z_.data(),
                              scaled ? scales_.data() : nullptr);
  }

  /// z = linear c + shift for every row, with nothing to decide.
  void apply_plainly(const group<Real>& g) noexcept {
    const node& n = g.nodes.front();
    std::array<double, static_cast<std::size_t>(most_reads)> c;
    std::array<double, static_cast<std::size_t>(most_writes)> z;
    for (std::size_t i = 0; i < count_; ++i) {
      std::copy_n(coordinates(g, i), g.k(), c.data());
      apply_affine(loops_.combine, n, c.data(), z.data());
      if constexpr (!std::same_as<Observer, no_observer>) {
        watch(g, i, c.data(), std::any_of(z.data(), z.data() + g.m, [](double one) { return one != 0.0; }));
      }
      narrow(z.data(), g.m, doses(g, i));
    }
    clamped_ += loops_.write(chosen(), g.written(), z_.data(), nullptr);
  }

  void apply(const group<Real>& g, const diagonal_stage<Real>& stage) noexcept
    requires is_wide
  {
    read(g);
    for (std::size_t i = 0; i < count_; ++i) {
      map_row(g, i, [&](std::span<Scalar> h, Real share) {
        loops_.add_diagonal(h, share, stage.growth.data(), stage.shift.data());
      });
    }
  }

  void apply(const group<Real>& g, const dense_stage<Real>& stage) noexcept
    requires is_wide
  {
    read(g);
    const auto d = static_cast<std::size_t>(g.where.count);
    std::array<Real, static_cast<std::size_t>(dense_numbers)> mapped;
    const std::size_t at_once = std::max<std::size_t>(1, mapped.size() / d);
    for (std::size_t first = 0; first < count_; first += at_once) {
      const std::size_t here = std::min(at_once, count_ - first);
      loops_.read(std::span<Scalar* const>(rows_.data() + first, here), *stage.linear, mapped.data(), nullptr);
      for (std::size_t i = 0; i < here; ++i) {
        map_row(g, first + i, [&](std::span<Scalar> h, Real share) {
          loops_.lerp(h, share, mapped.data() + i * d, stage.shift.data());
        });
      }
    }
  }

  /// One row through a map, as much of it as the group's only node says.
  template <class Map>
  void map_row(const group<Real>& g, std::size_t i, Map map) noexcept {
    const node& n = g.nodes.front();
    if (!n.concerns_every_row() && !n.concerns(*jobs_[job_[i]].info, jobs_[job_[i]].passages)) {
      return;
    }
    std::array<double, static_cast<std::size_t>(most_reads)> c;
    row_state row = begin(g, i);
    std::copy_n(coordinates(g, i), g.k(), c.data());
    row.c = c.data();
    const double share = share_of(n, row);
    observe_(n, row, share, share != 0.0);
    if (share == 0.0) {
      return;
    }
    const std::span<Scalar> h = slice(job_[i], g.where);
    map(h, static_cast<Real>(share));
    if (n.norm.rule != norm_rule::none) {
      const double factor = n.norm.factor(std::sqrt(row.squares), norm_of(h));
      if (factor != 1.0) {
        loops_.multiply(h, static_cast<Real>(factor));
      }
    }
  }

  /// Coordinates, and sums of squares where the group needs norms.
  void read(const group<Real>& g) noexcept {
    const bool norms = g.needs_norm || g.records_entry;
    if (g.k() > 0) {
      loops_.read(chosen(), g.read, c_.data(), norms ? squares_.data() : nullptr);
    } else if (norms) {
      for (std::size_t i = 0; i < count_; ++i) {
        squares_[i] = loops_.squared_norm(slice(job_[i], g.where));
      }
    }
  }

  /// Writes one row as it would be now, and reads it again.
  void read_anew(const group<Real>& g, Scalar* h, row_state& row) noexcept {
    const std::array<Scalar*, 1> one{h};
    std::array<Real, static_cast<std::size_t>(most_reads)> c;
    std::array<Real, static_cast<std::size_t>(most_writes)> z;
    narrow(row.z, g.m, z.data());
    const auto scale = static_cast<Real>(row.scale);
    loops_.write(std::span<Scalar* const>(one), g.written(), z.data(), &scale);
    std::fill_n(row.z, g.m, 0.0);
    row.scale = 1.0;
    Real squares{0};
    loops_.read(std::span<Scalar* const>(one), g.read, c.data(), &squares);
    std::copy_n(c.data(), g.k(), row.c);
    const std::span<const Scalar> numbers(h, static_cast<std::size_t>(g.where.count));
    const auto norm = static_cast<double>(kernel::norm<Scalar>(numbers, squares));
    row.squares = kernel::rounded_product(norm, norm);
    row.largest = row.squares;
  }

  [[nodiscard]] const Real* coordinates(const group<Real>& g, std::size_t i) const noexcept {
    return c_.data() + static_cast<std::ptrdiff_t>(i) * g.k();
  }
  [[nodiscard]] Real* doses(const group<Real>& g, std::size_t i) noexcept {
    return z_.data() + static_cast<std::ptrdiff_t>(i) * g.m;
  }
  static void narrow(const double* from, std::ptrdiff_t count, Real* to) noexcept {
    std::transform(from, from + count, to, [](double number) { return static_cast<Real>(number); });
  }

  const kernel::functions<Scalar>& loops_;
  const site_program<Real>& site_;
  std::span<const row_job<Scalar>> jobs_;
  Observer& observe_;
  bool dosed_;  // some row has doses of its own

  std::size_t clamped_ = 0;
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
