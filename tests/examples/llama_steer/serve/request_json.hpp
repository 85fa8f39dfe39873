// tests/examples/llama_steer/serve/request_json.hpp: a request, written as its client would.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "llama_steer/serve/api_request.hpp"

inline nlohmann::ordered_json request_json(const llama_steer::serve::completion_request& request) {
  using namespace llama_steer::serve;
  nlohmann::ordered_json out = {{"model", request.model},
                                {"max_tokens", request.max_tokens},
                                {"temperature", request.temperature},
                                {"top_p", request.top_p},
                                {"stop", request.stop},
                                {"stream", request.stream},
                                {"user", request.user}};
  if (request.kind == completion_kind::chat) {
    out["messages"] = nlohmann::ordered_json::array();
    for (const llama_steer::turn& each : request.messages) {
      out["messages"].push_back({{"role", each.role}, {"content", each.content}});
    }
  } else {
    out["prompt"] = request.prompt;
  }
  if (request.seed) {
    out["seed"] = *request.seed;
  }
  if (request.stream) {
    out["stream_options"]["include_usage"] = request.include_usage;
  }
  nlohmann::ordered_json& steering = out["steering"];
  steering["base"] = request.steering.base == steer::steering_request::base::on_top;
  steering["phase"] = request.steering.phase ? std::string(to_string(*request.steering.phase)) : "all";
  if (request.steering.preset) {
    steering["preset"] = *request.steering.preset;
  }
  for (const auto& [name, dose] : request.steering.doses) {
    steering["doses"][name] = dose;
  }
  return out;
}
