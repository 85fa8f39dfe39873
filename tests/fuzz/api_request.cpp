// Requests to `llama_steer serve`: a refusal is an error of that API, as JSON; what is accepted is in its ranges, is written as a client
// would, read again, and equal.
#include "llama_steer/serve/api_request.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "examples/llama_steer/serve/request_json.hpp"
#include "fuzz/fuzz.hpp"
#include "llama_steer/text_lines.hpp"

namespace {

using namespace llama_steer::serve;

constexpr request_limits limits{.max_tokens = 1000};

std::optional<completion_request> read(completion_kind kind, std::string_view body) {
  try {
    return parse_completion_request(kind, body, limits);
  } catch (const api_error& problem) {
    const std::string said = error_json(problem);
    fuzz::require(problem.status == 400 && said.size() < 4000 && nlohmann::json::accept(said));
    return std::nullopt;
  }
}

void require_text(std::string_view text) {
  fuzz::require(llama_steer::detail::utf8_end(text) == text.size() && text.find('\0') == std::string_view::npos);
}

void require_sound(const completion_request& request) {
  const bool is_chat = request.kind == completion_kind::chat;
  fuzz::require(is_chat != request.messages.empty() && is_chat == request.prompt.empty());
  for (const llama_steer::turn& each : request.messages) {
    fuzz::require(each.role == "system" || each.role == "user" || each.role == "assistant");
    require_text(each.content);
  }
  for (const std::string& each : request.stop) {
    fuzz::require(!each.empty());
    require_text(each);
  }
  require_text(request.prompt);
  require_text(request.model);
  require_text(request.user);
  fuzz::require(request.max_tokens >= 1 && request.max_tokens <= limits.max_tokens);
  fuzz::require(request.temperature >= 0.0 && request.temperature <= 2.0);
  fuzz::require(request.top_p > 0.0 && request.top_p <= 1.0);
  fuzz::require(request.stop.size() <= 4 && (request.stream || !request.include_usage));
  const steering_wish& steering = request.steering;
  fuzz::require(steering.doses.size() <= most_doses);
  for (const auto& [name, dose] : steering.doses) {
    fuzz::require(std::abs(dose) <= largest_dose && !steer::parse_preset_reference(name).name.empty());
  }
  fuzz::require(!steering.preset || !steer::parse_preset_reference(*steering.preset).name.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (const completion_kind kind : {completion_kind::chat, completion_kind::text}) {
    if (const auto request = read(kind, body)) {
      require_sound(*request);
      completion_request same = *request;
      std::sort(same.steering.doses.begin(), same.steering.doses.end());  // as the keys of an object are
      fuzz::require(read(kind, request_json(*request).dump()) == same);
    }
  }
  return 0;
}
