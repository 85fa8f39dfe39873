// steer/adapter/llama_cpp/text.hpp: text to tokens and back, and chat templates. Opt-in: component `llama_cpp`.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <llama.h>

#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {

/// One turn of a conversation, such as {"user", "Hello"}.
struct chat_message {
  std::string role;
  std::string content;
};

/// What becomes of "<|im_end|>" and its like in a text.
enum class special_tokens : bool { as_text, as_tokens };

/// The model's tokens of a text, with its BOS in front where it wants one. Nothing comes after: a text goes on, and an EOS or
/// SEP that the model's metadata ask for would be what is answered to, and what is read where the last token is.
/// @throws argument_error if there are none, the text is too long, or the model has no vocabulary, or wants a BOS and has none
STEER_API std::vector<std::int32_t> tokenize(const llama_model& model, std::string_view text, special_tokens special);

/// The text of one token; special tokens are empty.
/// @throws argument_error if the model has no vocabulary or no such token
STEER_API std::string text_of(const llama_model& model, std::int32_t token);

/// A conversation in a chat template, ready for the assistant's next turn; if the last turn is the assistant's own, ready for it to go
/// on. Where it has no system message, the one that the template itself brings is used.
///
/// @param pattern  the template, or the name of one that llama.cpp has, such as "chatml"; the model's own if empty
/// @throws argument_error if the model has no template, or llama.cpp, which recognises templates and does not run them, does not
///         know it: naming those that it has
STEER_API std::string apply_chat_template(const llama_model& model, std::span<const chat_message> turns,
                                          const std::string& pattern = {});

/// The tokens of a conversation in a chat template; after the last one the assistant begins to speak, or goes on.
/// @throws argument_error as `apply_chat_template` and `tokenize`
STEER_API std::vector<std::int32_t> chat_tokens(const llama_model& model, std::span<const chat_message> turns,
                                                const std::string& pattern = {});

/// Where in such tokens the assistant's last turn begins, if the last turn is the assistant's; else, how many tokens there are.
/// @throws argument_error as `chat_tokens`
STEER_API std::int32_t answer_begin(const llama_model& model, std::span<const chat_message> turns, const std::string& pattern = {});

/// The tokens of a marker that stands in the midst of a text, such as "<think>", for the passages of a schedule.
/// @throws argument_error if it is several tokens that are not sure to be the same beside other text: those of a marker that does not
///         begin and end with a token of its own; as `tokenize`
STEER_API std::vector<std::int32_t> marker_tokens(const llama_model& model, std::string_view text);

/// Whether the model knows a token from plain text, wherever it stands: control tokens, and those that were added to the vocabulary.
/// @throws argument_error as `text_of`
STEER_API bool stands_alone(const llama_model& model, std::int32_t token);

namespace detail {

/// The system message that a ChatML template begins with where the conversation has none of its own; empty if there is none.
/// llama.cpp recognises templates instead of running them, and loses it.
STEER_API std::string default_system_message(std::string_view pattern);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/adapter/llama_cpp/text.ipp"
#endif
