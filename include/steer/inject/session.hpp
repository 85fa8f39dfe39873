// steer/inject/session.hpp: a plan with what it must remember of each sequence.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "steer/core/hook.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/inject/latch_state.hpp"
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
                plan_options compiled = {});

  /// A plan that is to be observed.
  explicit basic_session(const basic_plan<Scalar>& observed, session_options options = {});

  [[nodiscard]] steer::access access(site where) const noexcept;

  /// @shape activations [T, width of the site]; the rows of a sequence in the order of their positions
  void operator()(site where, rows<Scalar> activations) noexcept;

  /// Forgets a sequence.
  void reset(std::int32_t sequence);
  /// Forgets every sequence.
  void reset() { std::fill(latches_.begin(), latches_.end(), detail::latch_state{}); }

  /// `to` goes on from where `from` stands.
  void fork(std::int32_t from, std::int32_t to);

  /// Forgets what the rows from a position on have decided: the host will compute them anew. What an earlier prompt of the
  /// sequence has decided holds again, for the last eight prompts.
  void rewind(std::int32_t sequence, std::int32_t position);

  /// Rows first to first + count - 1 of a sequence are gone from the host's cache, and those behind them have moved down. What a
  /// prompt has decided still holds, though its last row may be gone.
  /// @throws argument_error for a sequence beyond the number stated, or rows that cannot be
  void shift(std::int32_t sequence, std::int32_t first, std::int32_t count);

  /// Fills a ring buffer from the next call on, which must outlive the session or the next `observe`; null stops.
  void observe(observations* ring) noexcept { ring_.buffer = ring; }

  /// Rows of sequences beyond the number stated, each counted at every site that the session acts on.
  [[nodiscard]] std::size_t rows_without_state() const noexcept { return strangers_; }
  /// Rows of another width than the session was made for, or without the facts that it needs: they were left alone.
  [[nodiscard]] std::size_t rows_refused() const noexcept { return refused_; }
  /// Numbers that the rows' 16 bits cannot hold: they were written as the largest finite ones.
  [[nodiscard]] std::size_t numbers_clamped() const noexcept { return clamped_; }

  /// The shape that the session was made for; an empty one for that of the default plan.
  [[nodiscard]] const model_shape& shape() const noexcept;

  [[nodiscard]] std::string explain() const;
  [[nodiscard]] std::uint64_t digest() const noexcept;

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

  basic_session(std::shared_ptr<const detail::program<Scalar>> compiled, session_options options);

  [[nodiscard]] std::size_t latch_count() const noexcept {
    return latches_.size() / static_cast<std::size_t>(sequences_);
  }

  [[nodiscard]] detail::latch_state* latches_of(const row_info* info) noexcept;

  /// @throws argument_error for a sequence beyond the number stated
  [[nodiscard]] std::span<detail::latch_state> state_of(std::int32_t sequence);

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

#ifndef STEER_COMPILED
#include "steer/inject/session.ipp"
#endif
