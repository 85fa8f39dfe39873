// small_model.hpp: SmolLM2, loaded once, and contexts of it.
#pragma once

#include <llama.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llama_steer/load_model.hpp"
#include "steer/adapter/llama_cpp.hpp"

namespace small_model {

inline llama_model* model() {
  static const llama_steer::model_pointer loaded = llama_steer::load_model(STEER_LLAMA_MODEL);
  return loaded.get();
}

struct sizes {
  std::uint32_t batch = 128;
  std::uint32_t micro_batch = 128;
  std::uint32_t sequences = 4;
  bool one_cache = true;  ///< for all sequences
};

inline llama_context_params parameters(sizes of = {}) {
  llama_context_params out = llama_context_default_params();
  out.n_ctx = 256 * of.sequences;
  out.n_batch = of.batch;
  out.n_ubatch = of.micro_batch;
  out.n_seq_max = of.sequences;
  out.kv_unified = of.one_cache;
  out.n_threads = 1;  // ctest runs as many programs as there are cores
  out.n_threads_batch = 1;
  return out;
}

inline const std::vector<std::int32_t>& story() {
  static const std::vector<std::int32_t> tokens = steer::tokenize(
      *model(),
      "Once upon a time there was a small fox who lived at the edge of the forest, and every morning it walked to the river.",
      steer::special_tokens::as_text);
  return tokens;
}

inline const std::vector<std::int32_t>& report() {
  static const std::vector<std::int32_t> tokens = steer::tokenize(
      *model(), "The committee met on Tuesday to discuss the budget for the coming year and found no agreement.",
      steer::special_tokens::as_text);
  return tokens;
}

/// Decodes a sequence, `chunk` tokens at a time. @return the logits of its last token
inline std::vector<float> last_logits(steer::llama_cpp_host& host, const std::vector<std::int32_t>& tokens,
                                      llama_seq_id sequence, std::size_t chunk) {
  host.begin(sequence, static_cast<std::int32_t>(tokens.size()));
  steer::token_batch batch;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool last = i + 1 == tokens.size();
    batch.add(tokens[i], static_cast<llama_pos>(i), sequence,
              last ? steer::token_batch::output::logits : steer::token_batch::output::none);
    if (last || batch.size() == chunk) {
      host.decode(batch.view());
      batch.clear();
    }
  }
  const auto row = host.logits(-1);
  return {row.begin(), row.end()};
}

}  // namespace small_model
