// steer/core/answered_request.hpp: what a model answered to a request, with and without an instruction.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "steer/core/host.hpp"
#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {

/// One answer after two prompts: with a behaviour's instruction and without. Both prompts end where the answer begins.
struct answered_request {
  std::vector<std::int32_t> prompted = {};  ///< the request with the instruction
  std::vector<std::int32_t> plain = {};     ///< the request alone
  std::vector<std::int32_t> answer = {};    ///< what the model writes after `prompted`, the token that ends it included
};

namespace detail {

/// A prompt and the answer after it as one text, asked from the row that foretells the answer's first token on: a row for each token
/// of the answer, whose last one is not read.
class request_text {
 public:
  STEER_API request_text(const std::vector<std::int32_t>& prompt, const std::vector<std::int32_t>& answer);

  [[nodiscard]] asked_text asked() const noexcept { return {tokens_, from_}; }

 private:
  std::vector<std::int32_t> tokens_;
  std::int32_t from_;
};

/// @throws argument_error if there are no requests, or a prompt or an answer is empty or has a negative token; `who` names the asker
STEER_API void check(std::span<const answered_request> requests, const std::string& who);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/core/answered_request.ipp"
#endif
