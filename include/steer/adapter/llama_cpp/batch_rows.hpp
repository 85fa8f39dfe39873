// steer/adapter/llama_cpp/batch_rows.hpp: what a llama.cpp batch says of its rows. Opt-in: component `llama_cpp`.
#pragma once

#include <llama.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/rows.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// The facts of a batch's rows, and which have logits.
struct batch_rows {
  std::vector<row_info> rows;
  std::vector<std::int8_t> outputs;

  /// Reads `batch` as llama.cpp will: positions that are left out follow what the cache holds, sequences that are left out
  /// are sequence 0, and without marks the last row has logits.
  /// @throws argument_error, naming the row, for what hooks cannot use and what llama.cpp would end the program for
  void read(const llama_batch& batch, llama_context* context, const std::map<llama_seq_id, std::int32_t>& prompt_lengths) {
    const auto most = static_cast<std::int32_t>(llama_n_batch(context));
    if (batch.n_tokens < 1 || batch.n_tokens > most) {
      throw argument_error(text("llama.cpp: the batch has ", batch.n_tokens, " tokens; expected 1 to ", most));
    }
    if (batch.token == nullptr) {
      throw argument_error("llama.cpp: the batch has no token ids; hooks need them");
    }
    const std::int32_t vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(llama_get_model(context)));
    rows.clear();
    outputs.clear();
    std::map<llama_seq_id, llama_pos> next;
    for (std::int32_t i = 0; i < batch.n_tokens; ++i) {
      const auto refuse = [i](const auto&... what) { throw argument_error(text("llama.cpp: row ", i, " of the batch ", what...)); };
      row_info row;
      row.token = batch.token[i];
      if (row.token < 0 || row.token >= vocabulary) {
        refuse("has token ", row.token, "; expected 0 to ", vocabulary - 1);
      }
      if (batch.seq_id != nullptr && batch.n_seq_id != nullptr && batch.n_seq_id[i] != 1) {
        refuse("belongs to ", batch.n_seq_id[i], " sequences; hooks need rows of one");
      }
      row.sequence = batch.seq_id != nullptr ? batch.seq_id[i][0] : 0;
      const auto begun = prompt_lengths.find(row.sequence);
      if (begun == prompt_lengths.end()) {
        refuse("belongs to sequence ", row.sequence, ", which has not begun; expected begin(", row.sequence, ", prompt length)");
      }
      if (batch.pos != nullptr) {
        row.position = batch.pos[i];
      } else {
        const auto [follows, first] = next.try_emplace(row.sequence, 0);
        follows->second = first ? llama_memory_seq_pos_max(llama_get_memory(context), row.sequence) + 1 : follows->second + 1;
        row.position = follows->second;
      }
      row.prompt_length = begun->second;
      row.phase = row.position < row.prompt_length ? phase::prompt : phase::generation;
      rows.push_back(row);
      outputs.push_back(batch.logits != nullptr ? batch.logits[i] : static_cast<std::int8_t>(i == batch.n_tokens - 1));
    }
  }

  /// The first position of each sequence.
  [[nodiscard]] std::map<llama_seq_id, llama_pos> beginnings() const {
    std::map<llama_seq_id, llama_pos> out;
    for (const row_info& row : rows) {
      const auto entry = out.try_emplace(row.sequence, row.position).first;
      entry->second = std::min(entry->second, row.position);
    }
    return out;
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace steer
