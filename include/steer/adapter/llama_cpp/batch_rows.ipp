// steer/adapter/llama_cpp/batch_rows.ipp: the bodies of batch_rows.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <llama.h>

#include "steer/adapter/llama_cpp/batch_rows.hpp"
#include "steer/adapter/llama_cpp/sequence_book.hpp"
#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/core/rows.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY std::int32_t most_tokens(llama_context* context) {
  const std::uint32_t batch = llama_n_batch(context);
  return static_cast<std::int32_t>(llama_get_memory(context) == nullptr ? std::min(batch, llama_n_ubatch(context)) : batch);
}

STEER_BODY void batch_rows::read(const llama_batch& batch, llama_context* context, const sequence_book& begun) {
  const std::int32_t most = most_tokens(context);
  if (batch.n_tokens < 1 || batch.n_tokens > most) {
    throw argument_error(text({"llama.cpp: ", thing("the batch"), " has ", actual(batch.n_tokens),
                               " tokens; expected ", expected({"1 to ", most}),
                               llama_get_memory(context) == nullptr ? "; without a cache they are one micro-batch" : ""}));
  }
  if (batch.token == nullptr) {
    throw argument_error(text({"llama.cpp: ", thing("the batch"), " has no token ids; hooks need them"}));
  }
  const std::int32_t vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(llama_get_model(context)));
  rows.clear();
  outputs.clear();
  std::map<llama_seq_id, llama_pos> next;
  for (std::int32_t i = 0; i < batch.n_tokens; ++i) {
    const auto refuse = [i](std::initializer_list<text_part> what) {
      throw argument_error(text({"llama.cpp: ", thing({"row ", i, " of the batch"}), " ", text(what)}));
    };
    row_info row;
    row.token = batch.token[i];
    if (row.token < 0 || row.token >= vocabulary) {
      refuse({"has token ", actual(row.token), "; expected ", expected({"0 to ", vocabulary - 1})});
    }
    if (batch.seq_id != nullptr && batch.n_seq_id != nullptr && batch.n_seq_id[i] != 1) {
      refuse({"belongs to ", actual(batch.n_seq_id[i]), " sequences; hooks need rows of ", expected("one")});
    }
    row.sequence = batch.seq_id != nullptr ? batch.seq_id[i][0] : 0;
    if (!begun.has(row.sequence)) {
      refuse({"belongs to sequence ", actual(row.sequence), ", which has not begun; expected ",
              expected({"begin(", row.sequence, ", prompt length)"})});
    }
    const auto [follows, first] = next.try_emplace(row.sequence, 0);
    if (first) {
      follows->second = end_of(row.sequence, context, begun);
    }
    row.position = batch.pos != nullptr ? batch.pos[i] : follows->second;
    if (row.position != follows->second) {  // llama.cpp takes any first position
      refuse({"has position ", actual(row.position), "; expected ", expected(follows->second),
              ", the next of sequence ", row.sequence});
    }
    ++follows->second;
    row.prompt_length = begun.prompt_length(row.sequence);
    row.phase = row.position < row.prompt_length ? phase::prompt : phase::generation;
    rows.push_back(row);
    outputs.push_back(batch.logits != nullptr ? batch.logits[i] : static_cast<std::int8_t>(i == batch.n_tokens - 1));
  }
}

STEER_BODY std::map<llama_seq_id, llama_pos> batch_rows::beginnings() const {
  std::map<llama_seq_id, llama_pos> out;
  for (const row_info& row : rows) {
    out.try_emplace(row.sequence, row.position);  // positions rise
  }
  return out;
}

STEER_BODY std::map<llama_seq_id, llama_pos> batch_rows::ends() const {
  std::map<llama_seq_id, llama_pos> out;
  for (const row_info& row : rows) {
    out[row.sequence] = row.position + 1;
  }
  return out;
}

STEER_BODY llama_pos batch_rows::end_of(llama_seq_id sequence, llama_context* context, const sequence_book& begun) {
  const llama_memory_t memory = llama_get_memory(context);
  if (memory == nullptr) {
    return 0;
  }
  const llama_pos end = llama_memory_seq_pos_max(memory, sequence) + 1;
  if (end < begun.length(sequence)) {
    throw host_error(
        text({"llama.cpp: ", thing({"sequence ", sequence}), " has ", actual(end), " rows in the cache, of ",
              expected(begun.length(sequence)),
              " that were decoded; drop or move rows by shift, rewind or begin, which keep the facts of rows"}));
  }
  return end;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
