// steer/adapter/llama_cpp/batch_rows.hpp: what a llama.cpp batch says of its rows. Opt-in: component `llama_cpp`.
#pragma once

#include <cstdint>
#include <map>
#include <vector>
#include <llama.h>

#include "steer/adapter/llama_cpp/sequence_book.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/rows.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// How many rows a batch may have. Without a cache llama.cpp runs a batch as one micro-batch, or ends the program.
STEER_API std::int32_t most_tokens(llama_context* context);

/// The facts of a batch's rows, and which have logits.
struct batch_rows {
  std::vector<row_info> rows;
  std::vector<std::int8_t> outputs;

  /// Reads `batch` as llama.cpp will: positions that are left out follow what the cache holds, sequences that are left out
  /// are sequence 0, and without marks the last row has logits.
  /// @throws argument_error, naming the row, for what hooks cannot use, what llama.cpp would end the program for, and a
  ///         position that is not the next of its sequence; host_error where rows of a sequence are gone that nobody dropped
  ///         through the adapter
  STEER_API void read(const llama_batch& batch, llama_context* context, const sequence_book& begun);

  /// The first position of each sequence.
  STEER_API [[nodiscard]] std::map<llama_seq_id, llama_pos> beginnings() const;

  /// The position after the last of each sequence.
  STEER_API [[nodiscard]] std::map<llama_seq_id, llama_pos> ends() const;

  /// Where a sequence that was begun goes on. A model without a cache reads a sequence anew with every batch.
  /// @throws host_error if the cache holds fewer rows than were decoded: what their positions are is not known then
  STEER_API static llama_pos end_of(llama_seq_id sequence, llama_context* context, const sequence_book& begun);
};

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/adapter/llama_cpp/batch_rows.ipp"
#endif
