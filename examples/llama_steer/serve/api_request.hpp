// llama_steer/serve/api_request.hpp: what the body of a request for a completion says.
//
// OpenAI's API, as far as a model's text is concerned. A field that is not supported may say what is so without it: a client that spells
// out the defaults is served, and nothing that somebody asks for is passed over in silence.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "llama_steer/dialogue.hpp"
#include "llama_steer/serve/api_error.hpp"
#include "llama_steer/serve/request_fields.hpp"
#include "llama_steer/serve/steering_field.hpp"
#include "steer/core/error.hpp"
#include "steer/io/safetensors.hpp"

namespace llama_steer::serve {

enum class completion_kind : std::uint8_t { chat, text };

struct request_limits {
  std::size_t max_tokens = 1024;
};

/// What is to be written, and how.
struct completion_request {
  completion_kind kind = completion_kind::chat;
  dialogue messages = {};    ///< of a chat, at least one; the roles system, user and assistant
  std::string prompt = {};   ///< of a text, not empty
  std::string model = {};
  std::size_t max_tokens = 1;
  double temperature = 1.0;  ///< 0 to 2
  double top_p = 1.0;        ///< above 0, at most 1
  std::optional<std::uint64_t> seed = std::nullopt;
  std::vector<std::string> stop = {};  ///< at most four, none empty
  bool stream = false;
  bool include_usage = false;  ///< of a stream
  steering_wish steering = {};
  std::string user = {};

  bool operator==(const completion_request&) const = default;
};

namespace detail {

inline constexpr std::size_t most_stops = 4;
inline constexpr std::size_t default_text_tokens = 16;

inline const field_table& fields_of(completion_kind kind) {
  static const field_table chat{
      {"max_completion_tokens", "max_tokens", "messages", "model", "seed", "steering", "stop", "stream", "stream_options", "temperature",
       "top_p", "user"},
      nlohmann::json::parse(R"({"audio": [], "frequency_penalty": [0], "function_call": ["none", "auto"], "functions": [[]],
        "logit_bias": [{}], "logprobs": [false], "metadata": [{}], "modalities": [["text"]], "moderation": [], "n": [1],
        "parallel_tool_calls": [true, false], "prediction": [], "presence_penalty": [0], "prompt_cache_key": [],
        "prompt_cache_options": [], "prompt_cache_retention": [], "reasoning_effort": ["none"], "response_format": [{"type": "text"}],
        "safety_identifier": [], "service_tier": ["auto", "default"], "store": [false], "tool_choice": ["none", "auto"],
        "tools": [[]], "top_logprobs": [0], "verbosity": ["medium"], "web_search_options": []})")};
  static const field_table text{
      {"max_tokens", "model", "prompt", "seed", "steering", "stop", "stream", "stream_options", "temperature", "top_p", "user"},
      nlohmann::json::parse(R"({"best_of": [1], "echo": [false], "frequency_penalty": [0], "logit_bias": [{}], "logprobs": [],
        "n": [1], "presence_penalty": [0], "suffix": [""]})")};
  return kind == completion_kind::chat ? chat : text;
}

inline const field_table& fields_of_message() {
  static const field_table fields{
      {"content", "role"},
      nlohmann::json::parse(R"({"annotations": [[]], "audio": [], "function_call": [], "name": [], "refusal": [], "tool_calls": [[]]})")};
  return fields;
}
inline const field_table& fields_of_part() {
  static const field_table fields{{"text", "type"}, nlohmann::json::object()};
  return fields;
}
inline const field_table& fields_of_stream_options() {
  static const field_table fields{{"include_usage"}, nlohmann::json::parse(R"({"include_obfuscation": [false]})")};
  return fields;
}

/// A text, or the texts of its parts, one behind the other.
inline std::string content_of(const nlohmann::json& written, const std::string& path) {
  if (written.is_string()) {
    return request_object::text(written, path);
  }
  if (!written.is_array()) {
    request_object::refuse_type(written, path, "a string or a list of parts of type text");
  }
  std::string out;
  for (const nlohmann::json& part : written) {  // before its fields, which are those of another type
    if (part.is_object() && part.contains("type") && part.at("type").is_string() && part.at("type") != "text") {
      throw api_error(steer::text({path, ": parts of type ", excerpt(part.at("type").get<std::string>()),
                                   " are not supported; expected text"}), {.param = path, .code = "unsupported_parameter"});
    }
  }
  for_each_object(written, path, fields_of_part(), [&](const request_object& part) {
    request_object::text(part.at("type"), part.path_of("type"));
    out += request_object::text(part.at("text"), part.path_of("text"));
  });
  return out;
}

inline dialogue messages_of(const nlohmann::json& written) {
  dialogue out;
  for_each_object(written, "messages", fields_of_message(), [&](const request_object& message) {
    std::string role = request_object::text(message.at("role"), message.path_of("role"));
    if (role == "developer") {
      role = "system";
    }
    if (role != "system" && role != "user" && role != "assistant") {
      throw api_error(steer::text({message.path_of("role"), " \"", excerpt(role), "\" is not supported; expected system, developer, user ",
                                   "or assistant"}), {.param = message.path_of("role"), .code = "unsupported_parameter"});
    }
    out.push_back({std::move(role), content_of(message.at("content"), message.path_of("content"))});
  });
  return out;
}

inline std::string prompt_of(const nlohmann::json& written) {
  const bool is_list = written.is_array() && written.size() == 1 && written[0].is_string();
  if (!is_list && !written.is_string()) {
    request_object::refuse_type(written, "prompt", "one string");
  }
  std::string out = request_object::text(is_list ? written[0] : written, "prompt");
  if (out.empty()) {
    request_object::refuse_value(written, "prompt", "a text");
  }
  return out;
}

inline std::vector<std::string> stops_of(const nlohmann::json& written) {
  if (!written.is_array() && !written.is_string()) {
    request_object::refuse_type(written, "stop", "a string or a list of strings");
  }
  const nlohmann::json list = written.is_array() ? written : nlohmann::json::array({written});
  if (list.size() > most_stops) {
    throw api_error(steer::text({"stop has ", list.size(), " strings; expected at most ", most_stops}),
                    {.param = "stop", .code = "invalid_value"});
  }
  std::vector<std::string> out;
  for (const nlohmann::json& each : list) {
    const std::string path = written.is_array() ? steer::text({"stop[", out.size(), "]"}) : steer::text("stop");
    out.push_back(request_object::text(each, path));
    if (out.back().empty()) {
      request_object::refuse_value(each, path, "a text");
    }
  }
  return out;
}

inline std::size_t max_tokens_of(const request_object& body, completion_kind kind, const request_limits& limits) {
  const std::uint64_t given = body.whole_number("max_tokens", 1, limits.max_tokens).value_or(0);  // 0: not given
  if (kind == completion_kind::text) {
    return given > 0 ? static_cast<std::size_t>(given) : std::min(default_text_tokens, limits.max_tokens);
  }
  const std::uint64_t other = body.whole_number("max_completion_tokens", 1, limits.max_tokens).value_or(given);
  if (given > 0 && other != given) {
    throw api_error(steer::text({"max_tokens is ", given, " and max_completion_tokens is ", other, "; expected one of them"}),
                    {.param = "max_tokens", .code = "invalid_value"});
  }
  return other > 0 ? static_cast<std::size_t>(other) : limits.max_tokens;
}

}  // namespace detail

/// Reads the body of POST /v1/chat/completions or /v1/completions.
/// @throws api_error, 400, with the field in `param`: for what is no JSON object, a key that stands twice or a field that is not known;
///         for one that is not supported, unless it says what is so without it; for another type or a value out of its range
/// @cost   O(size of the body)
inline completion_request parse_completion_request(completion_kind kind, std::string_view body, const request_limits& limits) {
  nlohmann::json written;
  try {
    written = steer::detail::strict_json(body.substr(std::min(body.find_first_not_of(" \t\r\n"), body.size())), "the body");
  } catch (const steer::format_error& problem) {
    constexpr std::size_t most = 300;
    throw api_error(excerpt(problem.what(), most));
  }
  const detail::request_object fields(written, "", detail::fields_of(kind));
  completion_request out{.kind = kind};
  out.model = detail::request_object::text(fields.at("model"), "model");
  if (kind == completion_kind::chat) {
    out.messages = detail::messages_of(fields.at("messages"));
  } else {
    out.prompt = detail::prompt_of(fields.at("prompt"));
  }
  out.max_tokens = detail::max_tokens_of(fields, kind, limits);
  out.temperature = fields.number("temperature", 1.0, [](double t) { return t >= 0.0 && t <= 2.0; }, "a number from 0 to 2");
  out.top_p = fields.number("top_p", 1.0, [](double p) { return p > 0.0 && p <= 1.0; }, "a number above 0, at most 1");
  out.seed = fields.whole_number("seed", 0, std::numeric_limits<std::uint64_t>::max());
  if (const nlohmann::json* const stop = fields.find("stop")) {
    out.stop = detail::stops_of(*stop);
  }
  out.stream = fields.flag("stream");
  if (const nlohmann::json* const options = fields.find("stream_options")) {
    if (!out.stream) {
      throw api_error("stream_options is for streams; expected stream to be true", {.param = "stream_options", .code = "invalid_value"});
    }
    if (!options->is_object()) {
      detail::request_object::refuse_type(*options, "stream_options", "an object");
    }
    out.include_usage = detail::request_object(*options, "stream_options.", detail::fields_of_stream_options()).flag("include_usage");
  }
  if (const nlohmann::json* const steering = fields.find("steering")) {
    out.steering = parse_steering(*steering);
    if (out.steering.coordinates && !out.stream) {
      throw api_error("steering.coordinates are for streams; expected stream to be true", {.param = "steering.coordinates", .code = "invalid_value"});
    }
  }
  if (const nlohmann::json* const user = fields.find("user")) {
    out.user = detail::request_object::text(*user, "user");
  }
  return out;
}

}  // namespace llama_steer::serve
