// steer/inject/session.hpp: a plan with what it must remember of each sequence.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "steer/core/hook.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/inject/observations.hpp"
#include "steer/inject/plan.hpp"

namespace steer {
inline namespace v0 {

struct session_options {
  std::int32_t sequences = 1;  ///< the host numbers its sequences from 0 to one less
};

/// A recipe compiled for one model shape, with the state of every sequence: what its latched gates have decided. A hook.
///
///     steer::session session{recipe, model.shape(), {.sequences = 8}};
///     session.observe(&ring);                    // optional: telemetry, or a trace of what was steered
///
/// One thread at a time calls a session; sessions that were copied share what was compiled, and no state: a copy fills no ring
/// buffer until it is told, a session that is moved goes on filling its own. A row of a sequence beyond the number stated has
/// no state: its latched gates are closed, and it is counted.
///
/// A gate that is read at a later layer than its edit decides for rows that come in a later call: a host that puts a prompt's
/// last row and rows generated from it into one batch reads such a gate too late for these.
///
/// @throws as `basic_plan`, but takes gates that latch; argument_error for a number of sequences below 1
/// @cost   that of the plan; with observations about 10 ns for each edit and row
template <kernel::row_scalar Scalar = float>
class basic_session {
 public:
  basic_session(const recipe& source, const model_shape& shape, session_options options = {},
                plan_options compiled = {})
      : basic_session(std::make_shared<const detail::program<Scalar>>(source, shape, compiled), options) {}

  /// A plan that is to be observed.
  explicit basic_session(const basic_plan<Scalar>& observed, session_options options = {})
      : basic_session(observed.compiled(), options) {}

  [[nodiscard]] steer::access access(site where) const noexcept {
    return program_ != nullptr ? program_->access_at(where) : access::none;
  }

  /// @shape activations [T, width of the site]; the rows of a sequence in the order of their positions
  void operator()(site where, rows<Scalar> activations) noexcept {
    if (access(where) == access::none) {
      return;
    }
    if (!program_->fits(where, activations)) {
      refused_ += static_cast<std::size_t>(activations.count);
      return;
    }
    const auto job_of = [&](std::ptrdiff_t i) {
      const row_info* const info = detail::facts_of(activations, i);
      return detail::row_job<Scalar>{activations.data + i * activations.stride, info, nullptr, latches_of(info)};
    };
    if (ring_.buffer == nullptr) {
      detail::no_observer nobody;
      clamped_ += program_->run(where, activations.count, job_of, nobody);
    } else {
      observer watching{where, *ring_.buffer};
      clamped_ += program_->run(where, activations.count, job_of, watching);
    }
  }

  /// Forgets a sequence.
  void reset(std::int32_t sequence) {
    const std::span<detail::latch_state> state = state_of(sequence);
    std::fill(state.begin(), state.end(), detail::latch_state{});
  }
  /// Forgets every sequence.
  void reset() { std::fill(latches_.begin(), latches_.end(), detail::latch_state{}); }

  /// `to` goes on from where `from` stands.
  void fork(std::int32_t from, std::int32_t to) {
    const std::span<detail::latch_state> source = state_of(from);
    const std::span<detail::latch_state> target = state_of(to);
    std::copy(source.begin(), source.end(), target.begin());
  }

  /// Forgets what the rows from a position on have decided: the host will compute them anew. What an earlier prompt of the
  /// sequence has decided holds again, for the last eight prompts.
  void rewind(std::int32_t sequence, std::int32_t position) {
    for (detail::latch_state& latch : state_of(sequence)) {
      latch.forget_from(position);
    }
  }

  /// Rows first to first + count - 1 of a sequence are gone from the host's cache, and those behind them have moved down. What a
  /// prompt has decided still holds, though its last row may be gone.
  /// @throws argument_error for a sequence beyond the number stated, or rows that cannot be
  void shift(std::int32_t sequence, std::int32_t first, std::int32_t count) {
    const std::span<detail::latch_state> state = state_of(sequence);
    if (first < 0 || count < 0) {
      throw argument_error(detail::text({"session: sequence ", sequence, " is shifted by ",
                                         detail::actual({count, " rows from position ", first}), "; expected ",
                                         detail::expected("numbers of at least 0")}));
    }
    for (detail::latch_state& latch : state) {
      latch.shift(first, count);
    }
  }

  /// Fills a ring buffer from the next call on, which must outlive the session or the next `observe`; null stops.
  void observe(observations* ring) noexcept { ring_.buffer = ring; }

  /// Rows of sequences beyond the number stated, each counted at every site that the session acts on.
  [[nodiscard]] std::size_t rows_without_state() const noexcept { return strangers_; }
  /// Rows of another width than the session was made for, or without the facts that it needs: they were left alone.
  [[nodiscard]] std::size_t rows_refused() const noexcept { return refused_; }
  /// Numbers that the rows' 16 bits cannot hold: they were written as the largest finite ones.
  [[nodiscard]] std::size_t numbers_clamped() const noexcept { return clamped_; }

  /// The shape that the session was made for; an empty one for that of the default plan.
  [[nodiscard]] const model_shape& shape() const noexcept { return detail::shape_of(program_.get()); }

  [[nodiscard]] std::string explain() const { return program_ != nullptr ? program_->explain() : "nothing\n"; }
  [[nodiscard]] std::uint64_t digest() const noexcept { return program_ != nullptr ? program_->digest_value() : 0; }

 private:
  /// A copy of a session does not fill the buffer of the original: two threads may call the two. One that is moved takes it
  /// along.
  struct caller_s_ring {
    observations* buffer = nullptr;

    caller_s_ring() = default;
    caller_s_ring(const caller_s_ring&) noexcept {}
    caller_s_ring(caller_s_ring&& other) noexcept : buffer(std::exchange(other.buffer, nullptr)) {}
    caller_s_ring& operator=(const caller_s_ring& other) noexcept {
      buffer = this == &other ? buffer : nullptr;
      return *this;
    }
    caller_s_ring& operator=(caller_s_ring&& other) noexcept {
      buffer = std::exchange(other.buffer, nullptr);
      return *this;
    }
  };

  struct observer {
    site where;
    observations& ring;

    void operator()(const detail::node& n, const detail::row_state& row, double share, bool changed) noexcept {
      if (!changed && ring.options().keep == keep::changes) {
        return;
      }
      const std::int32_t sequence = row.info != nullptr ? row.info->sequence : 0;
      const std::int32_t position = row.info != nullptr ? row.info->position : 0;
      const float norm =
          n.reads_norm ? static_cast<float>(std::sqrt(row.squares)) : std::numeric_limits<float>::quiet_NaN();
      for (std::size_t i = 0; i < n.edits.size(); ++i) {
        const std::vector<int>& seen = n.seen[i];
        auto [next, coordinates] = ring.push();
        next.site = where;
        next.sequence = sequence;
        next.position = position;
        next.edit = static_cast<std::uint32_t>(n.edits[i]);
        next.count = static_cast<std::uint32_t>(seen.size());
        next.share = static_cast<float>(share) * n.amounts[i];
        next.norm = norm;
        next.changed = changed;
        for (std::size_t j = 0; j < std::min(seen.size(), coordinates.size()); ++j) {
          coordinates[j] = static_cast<float>(row.c[seen[j]]);
        }
      }
    }
  };

  basic_session(std::shared_ptr<const detail::program<Scalar>> compiled, session_options options)
      : program_(std::move(compiled)), sequences_(options.sequences) {
    if (sequences_ < 1) {
      throw argument_error(detail::text(
          {"session: has ", detail::actual(sequences_), " sequences; expected ", detail::expected("at least 1")}));
    }
    const std::ptrdiff_t latches = program_ != nullptr ? program_->latches() : 0;
    latches_.resize(static_cast<std::size_t>(sequences_) * static_cast<std::size_t>(latches));
  }

  [[nodiscard]] std::size_t latch_count() const noexcept {
    return latches_.size() / static_cast<std::size_t>(sequences_);
  }

  [[nodiscard]] detail::latch_state* latches_of(const row_info* info) noexcept {
    if (latches_.empty()) {
      return nullptr;
    }
    if (info->sequence < 0 || info->sequence >= sequences_) {
      ++strangers_;
      return nullptr;
    }
    return latches_.data() + static_cast<std::size_t>(info->sequence) * latch_count();
  }

  /// @throws argument_error for a sequence beyond the number stated
  [[nodiscard]] std::span<detail::latch_state> state_of(std::int32_t sequence) {
    if (sequence < 0 || sequence >= sequences_) {
      throw argument_error(
          detail::text({"session: sequence ", detail::actual(sequence), " does not exist; it was made for ",
                        detail::expected({"0 to ", sequences_ - 1})}));
    }
    return {latches_.data() + static_cast<std::size_t>(sequence) * latch_count(), latch_count()};
  }

  std::shared_ptr<const detail::program<Scalar>> program_;
  std::int32_t sequences_;
  std::vector<detail::latch_state> latches_;  // [sequences, latches]
  caller_s_ring ring_;
  std::size_t strangers_ = 0;
  std::size_t refused_ = 0;
  std::size_t clamped_ = 0;
};

using session = basic_session<float>;
static_assert(hook<session, float> && hook<basic_session<double>, double>);

}  // namespace v0
}  // namespace steer
