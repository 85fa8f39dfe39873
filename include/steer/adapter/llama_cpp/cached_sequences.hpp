// steer/adapter/llama_cpp/cached_sequences.hpp: begins, drops, copies and moves what llama.cpp's cache holds. Opt-in: component
// `llama_cpp`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>
#include <llama.h>

#include "steer/adapter/llama_cpp/batch_rows.hpp"
#include "steer/adapter/llama_cpp/sequence_book.hpp"
#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// The sequences of one context, in its cache and in the book alike.
class cached_sequences {
 public:
  cached_sequences() = default;
  /// @param one_cache  whether all sequences share one cache, where a copy is no more than another owner of the same rows
  cached_sequences(llama_context* context, bool one_cache) : context_(context), one_cache_(one_cache) {}

  [[nodiscard]] const sequence_book& book() const noexcept { return book_; }
  /// Puts back a book, for rows that are gone again.
  void restore(sequence_book before) { book_ = std::move(before); }
  STEER_API [[nodiscard]] const sequence_book& require_begun(llama_seq_id sequence) const;

  STEER_API void begin(llama_seq_id sequence, std::int32_t prompt_length);

  /// The batch that was read is in the cache.
  STEER_API void extend(const batch_rows& batch, const acting& by);

  STEER_API void rewind(llama_seq_id sequence, llama_pos position);

  STEER_API void resume(llama_seq_id sequence, llama_pos position, std::int32_t prompt_length);

  /// The rows of a batch that failed are gone; where the memory cannot drop some alone, so is their whole sequence.
  /// @return  the sequences that are no longer begun
  STEER_API std::vector<llama_seq_id> undo(const batch_rows& batch);

  /// Drops a sequence, which is then no longer begun.
  STEER_API void abandon(llama_seq_id sequence);

  STEER_API void fork(llama_seq_id from, llama_seq_id to);

  STEER_API void shift(llama_seq_id sequence, llama_pos first, llama_pos count);

  /// Sequences whose cache is empty, from the last, at most so many.
  /// @throws argument_error if there is none
  STEER_API [[nodiscard]] std::vector<llama_seq_id> idle(std::size_t most) const;

 private:
  [[nodiscard]] llama_seq_id count() const { return static_cast<llama_seq_id>(llama_n_seq_max(context_)); }

  STEER_API void require_known(llama_seq_id sequence) const;

  STEER_API bool remove(llama_seq_id sequence, llama_pos from, llama_pos to);

  STEER_API void drop(llama_seq_id sequence);

  llama_context* context_ = nullptr;
  bool one_cache_ = true;
  sequence_book book_;
};

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/adapter/llama_cpp/cached_sequences.ipp"
#endif
