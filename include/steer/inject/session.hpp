// steer/inject/session.hpp: a plan with what it must remember of each sequence.
#pragma once

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
#include "steer/inject/passage_state.hpp"
#include "steer/inject/plan.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

template <class Scalar>
struct row_job;

}  // namespace detail

struct session_options {
  std::int32_t sequences = 1;  ///< the host numbers its sequences from 0 to one less
};

/// A recipe compiled for one model shape, with the state of every sequence: what its latched gates have decided, and which passages
/// of a schedule it is in. A hook.
///
///     steer::session session{recipe, model.shape(), {.sequences = 8}};
///     session.observe(&ring);                    // optional: telemetry, or a trace of what was steered
///
/// One thread at a time calls a session; sessions that were copied share what was compiled, and no state: a copy fills no ring
/// buffer until it is told, a session that is moved goes on filling its own. A row of a sequence beyond the number stated has
/// no state: its latched gates are closed, it is in no passage, and it is counted. So is a row of which nobody knows what passage it is
/// in, because rows before it were not shown: that ends with the next marker.
///
/// Tokens are read where a pass begins, at the input of layer 0, which a session with passages asks for; if the host does not show
/// that point, at the first site of an edit.
///
/// A gate that is read at a later layer than its edit decides for rows that come in a later call: a host that puts a prompt's
/// last row and rows generated from it into one batch reads such a gate too late for these.
///
/// @throws as `basic_plan`, but takes gates that latch; argument_error for a number of sequences below 1
/// @cost   that of the plan; with observations about 10 ns for each edit and row. A call allocates nothing, but where a sequence enters or
///         leaves passages more often than any has before
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
  void reset();

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

  /// Tokens whose state nobody knows, each counted at every site that the session acts on.
  [[nodiscard]] std::size_t rows_without_state() const noexcept { return strangers_; }
  /// Tokens whose rows have another width than the session was made for, or not the facts that it needs: they were left alone.
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

  [[nodiscard]] bool has_state() const noexcept { return !latches_.empty() || !passages_.empty(); }
  [[nodiscard]] bool is_known(std::int32_t sequence) const noexcept { return sequence >= 0 && sequence < sequences_; }

  /// What belongs to a row. One without state is counted.
  [[nodiscard]] detail::row_job<Scalar> job_of(const rows<Scalar>& activations, std::ptrdiff_t row) noexcept;

  /// The tokens of rows, before anything acts on them.
  void read_tokens(std::span<const row_info> rows) noexcept;

  /// @throws argument_error for a sequence beyond the number stated
  void require_known(std::int32_t sequence) const;

  [[nodiscard]] std::span<detail::latch_state> latches_of(std::int32_t sequence) noexcept;
  [[nodiscard]] std::span<detail::passage_state> passages_of(std::int32_t sequence) noexcept;

  std::shared_ptr<const detail::program<Scalar>> program_;
  std::int32_t sequences_;
  std::vector<detail::latch_state> latches_;     // [sequences, latches]
  std::vector<detail::passage_state> passages_;  // [sequences, passages]
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
