// steer/extract/token_selection.hpp: which tokens of a text a recorder pools.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <variant>

#include "steer/core/linkage.hpp"
#include "steer/core/rows.hpp"

namespace steer {
inline namespace v0 {

/// Every token, position 0 (such as a BOS token) included.
struct all_tokens {};

/// The last token of the text.
struct last_token {};

/// The last `count` tokens, or all of a text that has fewer: a forced beginning of an answer, or a suffix that all texts share.
struct last_tokens {
  std::int32_t count = 1;
};

/// The tokens of an answer that ends the text, see `answered_text`.
struct answer_tokens {};

/// Positions `first` to `last`, both included. `token_span{1}` is every token but the first.
struct token_span {
  std::int32_t first = 0;
  std::int32_t last = std::numeric_limits<std::int32_t>::max();
};

/// One token, counted from the end: 0 is the last.
struct token_from_end {
  std::int32_t offset = 0;
};

/// Tokens whose id satisfies a predicate. `name` describes it in the vector's provenance.
struct tokens_where {
  std::function<bool(std::int32_t)> accepts;
  std::string name = "a predicate on token ids";
};

using token_selection =
    std::variant<all_tokens, last_token, last_tokens, answer_tokens, token_span, token_from_end, tokens_where>;

/// Where the answer of a text begins that has none.
inline constexpr std::int32_t no_answer = std::numeric_limits<std::int32_t>::max();

/// A text that ends with an answer, such as what an assistant says or is made to begin with.
struct answered_text {
  std::span<const std::int32_t> tokens;  ///< all of them, the answer's too
  std::int32_t answer = no_answer;       ///< the position of the answer's first token
};

/// Whether the selection takes a row of a text whose length is the row's prompt length.
/// @param answer  the position at which the text's answer begins
STEER_API [[nodiscard]] bool contains(const token_selection& selection, const row_info& row, std::int32_t answer = no_answer);

STEER_API std::string to_string(const token_selection& selection);

/// How many tokens of a text a selection takes.
/// @throws argument_error if it takes none, a token is negative, or the answer begins where there is no token; `who` names the text
STEER_API std::int64_t count_selected(const token_selection& selection, const answered_text& text, const std::string& who);

/// @throws argument_error if no token can be selected
STEER_API void check(const token_selection& selection);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/token_selection.ipp"
#endif
