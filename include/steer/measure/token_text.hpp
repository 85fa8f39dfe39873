// steer/measure/token_text.hpp: texts as tokens, and what must hold of them before a model reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/host.hpp"
#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {

/// A text as the model's tokens, the BOS included where the model has one.
using token_text = std::vector<std::int32_t>;

namespace detail {

/// @param where  of the tokens, as "text 3, "
/// @throws argument_error if a token is negative or, where the vocabulary is known, none of it
STEER_API void require_tokens(std::span<const std::int32_t> tokens, std::optional<Eigen::Index> vocabulary, const std::string& who,
                           const std::string& where);

STEER_API void require_texts(const std::vector<token_text>& texts, const std::string& who);

/// @throws host_error if there are not as many rows of logits as tokens; argument_error for a token that the model has not
STEER_API void require_logits(std::span<const std::int32_t> tokens, const logits_view& logits, const std::string& who);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/measure/token_text.ipp"
#endif
