// steer/adapter/llama_cpp/cached_sequences.ipp: the bodies of cached_sequences.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>
#include <llama.h>

#include "steer/adapter/llama_cpp/batch_rows.hpp"
#include "steer/adapter/llama_cpp/cached_sequences.hpp"
#include "steer/adapter/llama_cpp/sequence_book.hpp"
#include "steer/core/error.hpp"
#include "steer/core/real.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY const sequence_book& cached_sequences::require_begun(llama_seq_id sequence) const {
  require_known(sequence);
  if (!book_.has(sequence)) {
    throw argument_error(text({"llama.cpp: ", thing({"sequence ", sequence}), " has not begun; expected ",
                               expected({"begin(", sequence, ", prompt length)"})}));
  }
  return book_;
}

STEER_BODY void cached_sequences::begin(llama_seq_id sequence, std::int32_t prompt_length) {
  require_known(sequence);
  if (prompt_length < 1) {
    throw argument_error(text({"llama.cpp: ", thing({"sequence ", sequence}), " has a prompt of ",
                               actual(prompt_length), " tokens; expected ", expected("at least 1")}));
  }
  drop(sequence);
  book_.begin(sequence, prompt_length);
}

STEER_BODY void cached_sequences::extend(const batch_rows& batch, const acting& by) {
  if (llama_get_memory(context_) == nullptr) {
    return;
  }
  for (const auto& [sequence, first] : batch.beginnings()) {
    book_.extend(sequence, first, {prefix_steering::source::hook, 0});  // rows that went to llama_decode directly
  }
  for (const auto& [sequence, end] : batch.ends()) {
    book_.extend(sequence, end, by);
  }
}

STEER_BODY void cached_sequences::rewind(llama_seq_id sequence, llama_pos position) {
  const llama_pos rows = batch_rows::end_of(sequence, context_, require_begun(sequence));
  if (position < 0 || position > rows) {
    throw argument_error(text({"llama.cpp: ", thing({"sequence ", sequence}), " cannot go back to position ",
                               actual(position), "; expected ", expected({"0 to ", rows})}));
  }
  if (!remove(sequence, position, -1)) {
    throw host_error(
        text({"llama.cpp: ", thing({"sequence ", sequence}), ": the cache cannot drop the rows from position ",
              position, " on; expected ", expected("all or none"), " of them, as for a recurrent state"}));
  }
  book_.rewind(sequence, position);
}

STEER_BODY void cached_sequences::resume(llama_seq_id sequence, llama_pos position, std::int32_t prompt_length) {
  if (const std::int32_t old = require_begun(sequence).prompt_length(sequence); position > old || prompt_length <= position) {
    throw argument_error(text({"llama.cpp: ", thing({"sequence ", sequence}), " cannot take over ", actual({position, " rows"}),
                               " for a prompt of ", prompt_length, "; expected ",
                               expected({"at most the ", old, " of its own prompt, and fewer than the new one has"})}));
  }
  rewind(sequence, position);
  book_.resume(sequence, position, prompt_length);
}

STEER_BODY std::vector<llama_seq_id> cached_sequences::undo(const batch_rows& batch) {
  std::vector<llama_seq_id> lost;
  for (const auto& [sequence, position] : batch.beginnings()) {
    if (remove(sequence, position, -1)) {
      book_.rewind(sequence, position);
    } else {
      abandon(sequence);
      lost.push_back(sequence);
    }
  }
  return lost;
}

STEER_BODY void cached_sequences::abandon(llama_seq_id sequence) {
  book_.forget(sequence);
  remove(sequence, 0, -1);
}

STEER_BODY void cached_sequences::fork(llama_seq_id from, llama_seq_id to) {
  require_known(to);
  const llama_pos rows = batch_rows::end_of(from, context_, require_begun(from));
  if (from == to) {
    throw argument_error(
        text({"llama.cpp: ", thing({"sequence ", from}), " is forked to itself; expected ", expected("another")}));
  }
  drop(to);
  book_.forget(to);
  llama_memory_seq_cp(llama_get_memory(context_), from, to, -1, -1);
  if (const llama_pos copied = llama_memory_seq_pos_max(llama_get_memory(context_), to) + 1; copied != rows) {
    abandon(to);
    throw host_error(
        text({"llama.cpp: ", thing({"sequence ", to}), " has ", actual(copied), " rows after a copy of sequence ",
              from, ", which has ", expected(rows), "; the cache cannot copy sequences"}));
  }
  book_.fork(from, to, one_cache_);
}

STEER_BODY void cached_sequences::shift(llama_seq_id sequence, llama_pos first, llama_pos count) {
  const llama_pos rows = batch_rows::end_of(sequence, context_, require_begun(sequence));
  if (first < 0 || count < 1 || first > rows - count) {
    throw argument_error(
        text({"llama.cpp: ", thing({"sequence ", sequence}), " cannot drop ",
              actual({count, " rows from position ", first}), "; it has ", expected({rows, " rows"})}));
  }
  const llama_model* model = llama_get_model(context_);
  const llama_memory_t memory = llama_get_memory(context_);
  if (!llama_memory_can_shift(memory) || llama_model_is_recurrent(model) || llama_model_is_hybrid(model)) {
    throw host_error(
        text({"llama.cpp: ", thing({"sequence ", sequence}), " cannot be shifted: the memory of this model ",
              llama_memory_can_shift(memory) ? "is a state that no row can be taken out of"
                                             : "does not move rows (llama_memory_can_shift)",
              "; begin it anew with what is to stay"}));
  }
  if (const std::int32_t shared = book_.shared(sequence); shared > first) {
    throw host_error(
        text({"llama.cpp: ", thing({"sequence ", sequence}), " shares ", actual(shared),
              " rows with a fork in one cache, which would move, too; expected ",
              expected({"a first position of at least ", shared}), ", or a context whose kv_unified is false"}));
  }
  if (!llama_memory_seq_rm(memory, sequence, first, first + count)) {
    throw host_error(text({"llama.cpp: ", thing({"sequence ", sequence}), ": the cache cannot drop rows ", first,
                           " to ", first + count - 1}));
  }
  llama_memory_seq_add(memory, sequence, first + count, -1, -count);
  book_.shift(sequence, first, count);
}

STEER_BODY std::vector<llama_seq_id> cached_sequences::idle(std::size_t most) const {
  std::vector<llama_seq_id> out;
  for (llama_seq_id sequence = count() - 1; sequence >= 0 && out.size() < most; --sequence) {
    if (llama_memory_seq_pos_max(llama_get_memory(context_), sequence) < 0) {
      out.push_back(sequence);
    }
  }
  if (out.empty()) {
    throw argument_error(text({"llama.cpp: all ", actual(count()),
                               " sequences of the context are in use; evaluating needs ", expected("an empty one")}));
  }
  return out;
}

STEER_BODY void cached_sequences::require_known(llama_seq_id sequence) const {
  if (sequence < 0 || sequence >= count()) {
    throw argument_error(text({"llama.cpp: ", thing({"sequence ", sequence}), " does not exist; the context has ",
                               count(), ", expected ", expected({"0 to ", count() - 1})}));
  }
}

STEER_BODY bool cached_sequences::remove(llama_seq_id sequence, llama_pos from, llama_pos to) {
  const llama_memory_t memory = llama_get_memory(context_);
  return llama_memory_seq_rm(memory, sequence, from, to) || (from == 0 && llama_memory_seq_rm(memory, sequence, -1, -1));
}

STEER_BODY void cached_sequences::drop(llama_seq_id sequence) {
  if (!remove(sequence, 0, -1)) {
    throw host_error(text({"llama.cpp: the cache cannot drop ", thing({"sequence ", sequence})}));
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
