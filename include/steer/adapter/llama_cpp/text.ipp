// steer/adapter/llama_cpp/text.ipp: the bodies of text.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <llama.h>

#include "steer/adapter/llama_cpp/text.hpp"
#include "steer/core/error.hpp"
#include "steer/core/real.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// @throws argument_error where llama.cpp would end the program: there is nothing to make tokens with
inline const llama_vocab* vocabulary_of(const llama_model& model) {
  const llama_vocab* vocabulary = llama_model_get_vocab(&model);
  if (llama_vocab_type(vocabulary) == LLAMA_VOCAB_TYPE_NONE) {
    throw argument_error(text({"llama.cpp: ", thing("the model"), " has ", actual("no vocabulary"), "; expected ",
                               expected("one"), ", or token ids instead of text"}));
  }
  return vocabulary;
}

/// @throws argument_error if it has no such token
inline const llama_vocab* vocabulary_with(const llama_model& model, std::int32_t token) {
  const llama_vocab* vocabulary = vocabulary_of(model);
  if (token < 0 || token >= llama_vocab_n_tokens(vocabulary)) {
    throw argument_error(text({"llama.cpp: ", thing({"token ", token}), " does not exist; expected ",
                               expected({"0 to ", llama_vocab_n_tokens(vocabulary) - 1})}));
  }
  return vocabulary;
}

/// The token that the model wants in front of every text, if it wants one.
/// @throws argument_error if it wants one and has none
inline std::optional<llama_token> bos_of(const llama_vocab* vocabulary) {
  if (!llama_vocab_get_add_bos(vocabulary)) {
    return std::nullopt;
  }
  const llama_token bos = llama_vocab_bos(vocabulary);
  if (bos < 0) {
    throw argument_error(
        text({"llama.cpp: ", thing("the vocabulary"), " wants a BOS token in front of every text and has ",
              actual("none"), "; expected ", expected("tokenizer.ggml.bos_token_id"), ", or no add_bos_token"}));
  }
  return bos;
}

}  // namespace detail

namespace detail {

/// The tokens of a text, with this one in front if there is one.
template <class Real>
std::vector<std::int32_t> tokens_after(std::optional<llama_token> bos, const llama_vocab* vocabulary, std::string_view text,
                                       special_tokens special) {
  constexpr std::size_t most = INT32_MAX / 2;
  if (text.size() > most) {
    throw argument_error(steer::text({"llama.cpp: ", thing("a text"), " has ", actual(text.size()), " bytes; expected ",
                               expected({"at most ", most})}));
  }
  const auto length = static_cast<std::int32_t>(text.size());
  const std::size_t front = bos ? 1 : 0;
  std::vector<std::int32_t> tokens(text.size() + 2 + front);
  const auto run = [&] {
    return llama_tokenize(vocabulary, text.data(), length, tokens.data() + front, static_cast<std::int32_t>(tokens.size() - front),
                          false, special == special_tokens::as_tokens);
  };
  std::int32_t count = run();
  if (count < 0 && count != INT32_MIN) {
    tokens.resize(static_cast<std::size_t>(-count) + front);
    count = run();
  }
  if (count < 0 || static_cast<std::size_t>(count) + front == 0) {
    throw argument_error(steer::text({"llama.cpp: ", thing("a text"), " of ", text.size(), " bytes has ", actual("no tokens"),
                               "; expected ", expected("at least one")}));
  }
  if (bos) {
    tokens.front() = *bos;
  }
  tokens.resize(static_cast<std::size_t>(count) + front);
  return tokens;
}

}  // namespace detail

STEER_BODY std::vector<std::int32_t> tokenize(const llama_model& model, std::string_view text, special_tokens special) {
  const llama_vocab* vocabulary = detail::vocabulary_of(model);
  return detail::tokens_after<Real>(detail::bos_of(vocabulary), vocabulary, text, special);
}

STEER_BODY bool stands_alone(const llama_model& model, std::int32_t token) {
  const llama_token_attr attributes = llama_vocab_get_attr(detail::vocabulary_with(model, token), token);
  return (attributes & (LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_USER_DEFINED)) != 0;
}

STEER_BODY std::vector<std::int32_t> marker_tokens(const llama_model& model, std::string_view text) {
  std::vector<std::int32_t> out =
      detail::tokens_after<Real>(std::nullopt, detail::vocabulary_of(model), text, special_tokens::as_tokens);
  if (out.size() > 1 && !(stands_alone(model, out.front()) && stands_alone(model, out.back()))) {
    throw argument_error(steer::text({"llama.cpp: ", thing({"marker \"", text, "\""}), " is plain text to this model, of ",
                                      actual({out.size(), " tokens"}),
                                      " that are others where it runs together with what stands beside it; expected ",
                                      expected("one token, or several that begin and end with such as <|im_end|>")}));
  }
  return out;
}

STEER_BODY std::string text_of(const llama_model& model, std::int32_t token) {
  std::string out(64, '\0');
  const llama_vocab* vocabulary = detail::vocabulary_with(model, token);
  const auto run = [&] {
    return llama_token_to_piece(vocabulary, token, out.data(), static_cast<std::int32_t>(out.size()), 0, false);
  };
  std::int32_t size = run();
  if (size < 0) {
    out.resize(static_cast<std::size_t>(-size));
    size = run();
  }
  out.resize(static_cast<std::size_t>(size));
  return out;
}

namespace detail {

/// "chatml, llama2, ...".
template <class Real>
std::string builtin_template_names() {
  std::vector<const char*> names(static_cast<std::size_t>(llama_chat_builtin_templates(nullptr, 0)));
  llama_chat_builtin_templates(names.data(), names.size());
  std::string out;
  for (const char* name : names) {
    out += (out.empty() ? "" : ", ") + std::string(name);
  }
  return out;
}

STEER_BODY std::string default_system_message(std::string_view pattern) {
  constexpr std::string_view begin = "<|im_start|>system";
  const std::size_t at = pattern.find(begin);
  if (at == std::string_view::npos) {
    return {};
  }
  std::string_view rest = pattern.substr(at + begin.size());
  for (const std::string_view line_end : {"\n", "\\n"}) {  // itself, or as Jinja writes it
    rest.remove_prefix(rest.starts_with(line_end) ? line_end.size() : 0);
  }
  const std::string_view message = rest.substr(0, rest.find("<|im_end|>"));
  const bool literal = message.size() < rest.size() && message.find_first_of("'\"{}\\") == std::string_view::npos;
  return literal ? std::string(message) : std::string();
}

}  // namespace detail

STEER_BODY std::string apply_chat_template(const llama_model& model, std::span<const chat_message> turns,
                                           const std::string& wanted) {
  if (!turns.empty() && turns.back().role == "assistant") {
    return apply_chat_template(model, turns.first(turns.size() - 1), wanted) + turns.back().content;
  }
  const char* const pattern = wanted.empty() ? llama_model_chat_template(&model, nullptr) : wanted.c_str();
  if (pattern == nullptr) {
    throw argument_error(text({"llama.cpp: ", thing("the model"), " has no ", expected("chat template")}));
  }
  std::vector<llama_chat_message> messages;
  std::size_t size = 256;
  const std::string system = detail::default_system_message(pattern);
  if (!system.empty() && (turns.empty() || turns.front().role != "system")) {
    messages.push_back({"system", system.c_str()});
    size += 2 * system.size();
  }
  for (const chat_message& turn : turns) {
    messages.push_back({turn.role.c_str(), turn.content.c_str()});
    size += 2 * (turn.role.size() + turn.content.size());
  }
  std::string out(size, '\0');
  const auto run = [&] {
    return llama_chat_apply_template(pattern, messages.data(), messages.size(), true, out.data(),
                                     static_cast<std::int32_t>(out.size()));
  };
  std::int32_t length = run();
  if (length > static_cast<std::int32_t>(out.size())) {
    out.resize(static_cast<std::size_t>(length));
    length = run();
  }
  if (length < 0) {
    throw argument_error(text({"llama.cpp: ", thing(wanted.empty() ? "the model's chat template" : "the chat template"), " is none of ",
                               expected({"those that llama.cpp knows; name one of them: ", detail::builtin_template_names<Real>()})}));
  }
  out.resize(static_cast<std::size_t>(length));
  return out;
}

STEER_BODY std::vector<std::int32_t> chat_tokens(const llama_model& model, std::span<const chat_message> turns,
                                                 const std::string& pattern) {
  std::string text = apply_chat_template(model, turns, pattern);
  if (const auto bos = detail::bos_of(detail::vocabulary_of(model))) {
    if (const std::string_view written = llama_vocab_get_text(llama_model_get_vocab(&model), *bos);
        !written.empty() && text.starts_with(written)) {
      text.erase(0, written.size());  // `tokenize` puts its own in front
    }
  }
  return tokenize(model, text, special_tokens::as_tokens);
}

STEER_BODY std::int32_t answer_begin(const llama_model& model, std::span<const chat_message> turns, const std::string& pattern) {
  const std::vector<std::int32_t> all = chat_tokens(model, turns, pattern);
  if (turns.empty() || turns.back().role != "assistant") {
    return static_cast<std::int32_t>(all.size());
  }
  const std::vector<std::int32_t> before = chat_tokens(model, turns.first(turns.size() - 1), pattern);
  return static_cast<std::int32_t>(std::mismatch(all.begin(), all.end(), before.begin(), before.end()).first - all.begin());
}

}  // namespace v0
}  // namespace steer
