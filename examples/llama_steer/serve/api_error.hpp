// llama_steer/serve/api_error.hpp: what a request is refused with, in the shape of OpenAI's API.
#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "llama_steer/printable.hpp"
#include "steer/core/error.hpp"
#include "steer/guard/admit.hpp"

namespace llama_steer::serve {

/// What is said of a refusal beside its message.
struct refusal {
  int status = 400;                               ///< of HTTP
  std::string type = "invalid_request_error";
  std::optional<std::string> param = std::nullopt;  ///< the field: "temperature", "messages[1].role"
  std::optional<std::string> code = std::nullopt;   ///< "unsupported_parameter"
};

/// A request that is not answered.
struct api_error : std::runtime_error, refusal {
  explicit api_error(const std::string& message, refusal about = {}) : std::runtime_error(message), refusal(std::move(about)) {}
};

/// Some of what others wrote, for messages: printable, and not longer than that.
inline std::string excerpt(std::string_view written, std::size_t most_bytes = 80) {
  if (written.size() <= most_bytes) {
    return printable(written);
  }
  std::size_t end = most_bytes;
  while (end > 0 && (static_cast<unsigned char>(written[end]) & 0xC0U) == 0x80) {
    --end;
  }
  return printable(written.substr(0, end)) + "...";
}

/// {"error":{"message":...,"type":...,"param":...,"code":...}}: what has no field or no code says null.
inline std::string error_json(const api_error& problem) {
  const auto or_null = [](const std::optional<std::string>& text) {
    return text ? nlohmann::ordered_json(*text) : nlohmann::ordered_json();
  };
  nlohmann::ordered_json out;
  out["error"] = {{"message", problem.what()}, {"type", problem.type}, {"param", or_null(problem.param)}, {"code", or_null(problem.code)}};
  return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

/// What a client learns when the library refuses the steering that it asked for: 403 where the policy says no, 400 where there is no such
/// preset or dose. Anything else is the server's own affair, whose words may name its files: 500, and no more is said.
inline api_error error_for_client(const steer::error& problem) {
  if (dynamic_cast<const steer::policy_error*>(&problem) != nullptr) {
    return api_error(problem.what(), {.status = 403, .type = "permission_error", .param = "steering", .code = "policy_violation"});
  }
  if (dynamic_cast<const steer::argument_error*>(&problem) != nullptr || dynamic_cast<const steer::numeric_error*>(&problem) != nullptr) {
    return api_error(problem.what(), {.param = "steering", .code = "invalid_value"});
  }
  return api_error("the server failed; its log says why", {.status = 500, .type = "server_error"});
}

}  // namespace llama_steer::serve
