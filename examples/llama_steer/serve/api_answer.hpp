// llama_steer/serve/api_answer.hpp: what is answered, in the shape of OpenAI's API, whole or as a stream.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "llama_steer/serve/api_error.hpp"
#include "llama_steer/serve/api_request.hpp"
#include "llama_steer/serve/coordinates.hpp"
#include "llama_steer/serve/text_filter.hpp"
#include "steer/core/error.hpp"
#include "steer/core/rows.hpp"
#include "steer/serve/preset_library.hpp"

namespace llama_steer::serve {

enum class finish_reason : std::uint8_t { stop, length };

constexpr std::string_view to_string(finish_reason why) noexcept { return why == finish_reason::stop ? "stop" : "length"; }

/// What stands in every part of an answer.
struct answer_head {
  completion_kind kind = completion_kind::chat;
  std::string id = {};       ///< "chatcmpl-..." or "cmpl-..."
  std::int64_t created = 0;  ///< seconds since 1970
  std::string model = {};
};

struct token_usage {
  std::size_t prompt = 0;
  std::size_t completion = 0;
};

/// A model or what stands for one in /v1/models.
struct listed_model {
  std::string id = {};
  std::int64_t created = 0;
};

namespace detail {

/// On one line; a text that is no UTF-8 has U+FFFD in those places.
inline std::string dumped_line(const nlohmann::ordered_json& out) {
  return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

inline nlohmann::ordered_json usage_of(const token_usage& usage) {
  return {{"prompt_tokens", usage.prompt}, {"completion_tokens", usage.completion}, {"total_tokens", usage.prompt + usage.completion}};
}

/// @param of_chat, of_text  what such an object is called in either API
inline nlohmann::ordered_json headed(const answer_head& head, std::string_view of_chat, std::string_view of_text) {
  return {{"id", head.id},
          {"object", head.kind == completion_kind::chat ? of_chat : of_text},
          {"created", head.created},
          {"model", head.model}};
}

/// @param said  "message", "delta" or "text", and what it is
inline nlohmann::ordered_json choice_of(std::string_view name, nlohmann::ordered_json said, std::optional<finish_reason> ended) {
  nlohmann::ordered_json out = {{"index", 0}};
  out[std::string(name)] = std::move(said);
  out["logprobs"] = nullptr;
  out["finish_reason"] = ended ? nlohmann::ordered_json(to_string(*ended)) : nlohmann::ordered_json();
  return out;
}

inline nlohmann::ordered_json model_of(const listed_model& model) {
  return {{"id", model.id}, {"object", "model"}, {"created", model.created}, {"owned_by", "steer"}};
}

}  // namespace detail

/// What steers an answer, as it is said to who asked for it: `preset` is the operator's, or null; a readout's `nats` are its expected
/// shift. A dose that acts in one phase, of a preset that acts everywhere besides, stands as "terse@3 (generation)".
/// @param phase  in which what was asked for acts; none: in all
inline nlohmann::ordered_json steering_json(const steer::steering& acts, std::optional<steer::phase> phase) {
  const std::string rows(phase ? to_string(*phase) : std::string_view("all"));
  nlohmann::ordered_json out;
  out["preset"] = acts.base.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(acts.base);
  out["digest"] = acts.digest;
  out["doses"] = nlohmann::ordered_json::object();
  for (const auto& [reference, dose] : acts.doses) {
    const bool is_second = out["doses"].contains(reference);
    out["doses"][is_second ? std::string(steer::text({reference, " (", rows, ")"})) : reference] = dose;
  }
  out["phase"] = rows;
  out["expected"] = nlohmann::ordered_json::object();
  for (const auto& [readout, shift] : acts.expected) {
    out["expected"][readout] = {{"nats", shift.value}, {"error", shift.error}};
  }
  out["warnings"] = nlohmann::ordered_json(acts.warnings);
  return out;
}

/// An answer that is given whole: a chat.completion or a text_completion.
inline std::string answer_json(const answer_head& head, std::string_view text, finish_reason ended, const token_usage& usage,
                               const nlohmann::ordered_json& steering) {
  nlohmann::ordered_json out = detail::headed(head, "chat.completion", "text_completion");
  out["choices"] = nlohmann::ordered_json::array();
  if (head.kind == completion_kind::chat) {
    out["choices"].push_back(detail::choice_of("message", {{"role", "assistant"}, {"content", text}, {"refusal", nullptr}}, ended));
  } else {
    out["choices"].push_back(detail::choice_of("text", text, ended));
  }
  out["usage"] = detail::usage_of(usage);
  out["steering"] = steering;
  return detail::dumped_line(out);
}

/// {"object":"list","data":[...]}.
inline std::string models_json(std::span<const listed_model> models) {
  nlohmann::ordered_json out = {{"object", "list"}, {"data", nlohmann::ordered_json::array()}};
  for (const listed_model& each : models) {
    out["data"].push_back(detail::model_of(each));
  }
  return detail::dumped_line(out);
}
inline std::string model_json(const listed_model& model) { return detail::dumped_line(detail::model_of(model)); }

/// One server-sent event; JSON on one line has no line end in it.
inline std::string sse_event(std::string_view json) { return steer::text({"data: ", json, "\n\n"}); }

/// An answer as it comes: what each call gives is sent.
///
///     send(stream.begin());
///     send(stream.text("Yes"));                                  // as often as there is some
///     send(stream.end(finish_reason::stop, usage, steering));   // or stream.fail(problem)
class answer_stream {
 public:
  answer_stream(answer_head head, bool include_usage) : head_(std::move(head)), include_usage_(include_usage) {}

  /// Who speaks, in a chat; nothing in a text.
  [[nodiscard]] std::string begin() const {
    if (head_.kind == completion_kind::text) {
      return {};
    }
    return event_of(chunk_of({{"role", "assistant"}, {"content", ""}, {"refusal", nullptr}}, std::nullopt));
  }

  /// Nothing for no text.
  [[nodiscard]] std::string text(std::string_view more, const token_coordinates& coordinates = {}) const {
    if (more.empty()) {
      return {};
    }
    nlohmann::ordered_json out =
        chunk_of(head_.kind == completion_kind::chat ? nlohmann::ordered_json{{"content", more}} : nlohmann::ordered_json(more), std::nullopt);
    for (const auto& [preset, coordinate] : coordinates) {
      out["steering_coordinates"][preset] = std::round(1000.0 * coordinate) / 1000.0;
    }
    return event_of(out);
  }

  /// The end, the usage if it is wanted, and the mark behind it; the last chunk says what steered.
  [[nodiscard]] std::string end(finish_reason ended, const token_usage& usage, const nlohmann::ordered_json& steering) const {
    nlohmann::ordered_json last =
        chunk_of(head_.kind == completion_kind::chat ? nlohmann::ordered_json::object() : nlohmann::ordered_json(""), ended);
    std::string out;
    if (include_usage_) {
      out = event_of(last);
      last["choices"] = nlohmann::ordered_json::array();
      last["usage"] = detail::usage_of(usage);
    }
    last["steering"] = steering;
    return out + event_of(last) + sse_event("[DONE]");
  }

  /// What clients of a stream, whose status was sent long ago, take for an error.
  [[nodiscard]] static std::string fail(const api_error& problem) { return sse_event(error_json(problem)) + sse_event("[DONE]"); }

 private:
  [[nodiscard]] static std::string event_of(const nlohmann::ordered_json& chunk) { return sse_event(detail::dumped_line(chunk)); }
  [[nodiscard]] nlohmann::ordered_json chunk_of(nlohmann::ordered_json said, std::optional<finish_reason> ended) const {
    nlohmann::ordered_json out = detail::headed(head_, "chat.completion.chunk", "text_completion");
    out["choices"] = nlohmann::ordered_json::array();
    out["choices"].push_back(detail::choice_of(head_.kind == completion_kind::chat ? "delta" : "text", std::move(said), ended));
    if (include_usage_) {
      out["usage"] = nullptr;  // of all but the last
    }
    return out;
  }

  answer_head head_;
  bool include_usage_;
};

}  // namespace llama_steer::serve
