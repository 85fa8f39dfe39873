// steer/adapter/llama_cpp/token_batch.ipp: the bodies of token_batch.hpp.
#pragma once

#include <cstdint>
#include <llama.h>

#include "steer/adapter/llama_cpp/token_batch.hpp"
#include "steer/core/real.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY void token_batch::clear() noexcept {
  tokens_.clear();
  positions_.clear();
  sequences_.clear();
  outputs_.clear();
}

STEER_BODY void token_batch::add(llama_token token, llama_pos position, llama_seq_id sequence, output wanted) {
  tokens_.push_back(token);
  positions_.push_back(position);
  sequences_.push_back(sequence);
  outputs_.push_back(static_cast<std::int8_t>(wanted));
}

STEER_BODY llama_batch token_batch::view() {
  counts_.assign(size(), 1);
  pointers_.clear();
  for (llama_seq_id& sequence : sequences_) {
    pointers_.push_back(&sequence);
  }
  return {static_cast<std::int32_t>(size()), tokens_.data(),   nullptr,        positions_.data(),
          counts_.data(),                    pointers_.data(), outputs_.data()};
}

}  // namespace v0
}  // namespace steer
