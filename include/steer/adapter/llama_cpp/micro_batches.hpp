// steer/adapter/llama_cpp/micro_batches.hpp: which rows of a batch llama.cpp computes together, and in what order.
//
// llama.cpp cuts a batch into micro-batches and may reorder its rows on the way; how depends on the kind of cache. The
// public API does not say, but it shows each micro-batch's token ids. So every way to cut is worked out beforehand, the
// tokens seen decide which one it was, and a batch for which they could not decide is refused before it runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/core/rows.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Rows of one batch, as indices into it, in the order in which they are computed; one list per micro-batch.
using batch_cut = std::vector<std::vector<std::int32_t>>;

/// As they stand, `most` rows at a time: one cache for all sequences.
STEER_API batch_cut cut_in_order(std::size_t count, std::size_t most);

/// Which sequences may share a micro-batch where each has a cache of its own.
enum class sequence_order : std::uint8_t {
  any,         ///< in the order of their first rows
  increasing,  ///< as `any`, as long as each number is one above the last
  alone,       ///< one sequence at a time
};

/// Equally many rows of each sequence, one sequence after the other, about `most` rows at a time.
STEER_API batch_cut cut_by_sequence(std::span<const row_info> rows, std::size_t most, sequence_order order);

/// Follows one batch through its micro-batches.
///
///     micro_batches batch(rows, n_ubatch);           // throws where the tokens could not tell the ways to cut apart
///     batch.next(tokens);                            // at the start of each micro-batch: false if it fits no way
///     batch.rows();                                  // its rows, as indices into the batch
class micro_batches {
 public:
  micro_batches() = default;

  /// @throws host_error naming two rows that may stand in each other's place
  STEER_API micro_batches(std::span<const row_info> rows, std::size_t most);

  /// Begins the next micro-batch, whose tokens are these.
  /// @return false if no way to cut the batch has it
  STEER_API bool next(std::span<const std::int32_t> tokens);

  /// The rows of the present micro-batch, in order.
  [[nodiscard]] std::span<const std::int32_t> rows() const noexcept { return current_; }

 private:
  [[nodiscard]] const row_info& fact(std::int32_t row) const { return facts_[static_cast<std::size_t>(row)]; }

  STEER_API [[nodiscard]] bool shows(const std::vector<std::int32_t>& rows, std::span<const std::int32_t> tokens) const;

  STEER_API void require_distinct(const batch_cut& a, const batch_cut& b) const;

  std::vector<row_info> facts_;
  std::vector<batch_cut> cuts_;  // those that agree with what was seen so far
  std::vector<std::int32_t> current_;
  std::size_t at_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/adapter/llama_cpp/micro_batches.ipp"
#endif
