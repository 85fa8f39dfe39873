// steer/adapter/llama_cpp/token_batch.hpp: a llama.cpp batch that owns its arrays. Opt-in: component `llama_cpp`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>
#include <llama.h>

#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {

/// Rows for `llama_cpp_host::decode`: one token of one sequence each.
///
///     steer::token_batch batch;
///     batch.add(token, position, sequence, steer::token_batch::output::logits);
///     host.decode(batch.view());
///
/// @cost  `clear` keeps the memory: a batch that is filled again allocates nothing
class token_batch {
 public:
  enum class output : std::int8_t { none, logits };

  STEER_API void clear() noexcept;

  STEER_API void add(llama_token token, llama_pos position, llama_seq_id sequence, output wanted);

  [[nodiscard]] std::size_t size() const noexcept { return tokens_.size(); }

  /// What llama.cpp takes; the next change invalidates it.
  STEER_API [[nodiscard]] llama_batch view();

 private:
  std::vector<llama_token> tokens_;
  std::vector<llama_pos> positions_;
  std::vector<llama_seq_id> sequences_;
  std::vector<std::int8_t> outputs_;
  std::vector<std::int32_t> counts_;
  std::vector<llama_seq_id*> pointers_;
};

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/adapter/llama_cpp/token_batch.ipp"
#endif
