// steer/adapter/llama_cpp/token_batch.hpp: a llama.cpp batch that owns its arrays. Opt-in: component `llama_cpp`.
#pragma once

#include <llama.h>

#include <cstddef>
#include <cstdint>
#include <vector>

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

  void clear() noexcept {
    tokens_.clear();
    positions_.clear();
    sequences_.clear();
    outputs_.clear();
  }

  void add(llama_token token, llama_pos position, llama_seq_id sequence, output wanted) {
    tokens_.push_back(token);
    positions_.push_back(position);
    sequences_.push_back(sequence);
    outputs_.push_back(static_cast<std::int8_t>(wanted));
  }

  [[nodiscard]] std::size_t size() const noexcept { return tokens_.size(); }

  /// What llama.cpp takes; the next change invalidates it.
  [[nodiscard]] llama_batch view() {
    counts_.assign(size(), 1);
    pointers_.clear();
    for (llama_seq_id& sequence : sequences_) {
      pointers_.push_back(&sequence);
    }
    return {static_cast<std::int32_t>(size()), tokens_.data(),   nullptr,        positions_.data(),
            counts_.data(),                    pointers_.data(), outputs_.data()};
  }

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
