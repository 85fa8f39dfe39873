// llama_steer/serve/metrics.hpp: what a server counts, as Prometheus reads it.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "llama_steer/serve/engine.hpp"
#include "steer/core/error.hpp"

namespace llama_steer::serve {

/// What one preset's requests took, "none" for those without one.
struct preset_counts {
  std::uint64_t requests = 0;
  std::uint64_t tokens = 0;   ///< of answers
  double seconds = 0.0;       ///< in which they were written
};

class metrics {
 public:
  void answered(const std::string& preset, std::uint64_t tokens, double seconds) {
    const std::lock_guard lock(mutex_);
    preset_counts& here = presets_[preset.empty() ? "none" : preset];
    ++here.requests;
    here.tokens += tokens;
    here.seconds += seconds;
  }
  /// @param status  of HTTP
  void refused(int status) {
    const std::lock_guard lock(mutex_);
    ++refusals_[status];
  }
  void swapped() {
    const std::lock_guard lock(mutex_);
    ++swaps_;
  }

  /// Prometheus' text format.
  [[nodiscard]] std::string text(const engine_counts& engine) const {
    const std::lock_guard lock(mutex_);
    std::string out;
    const auto head = [&](std::string_view name, std::string_view type, std::string_view help) {
      out += steer::text({"# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n"});
    };
    head("steer_requests_total", "counter", "Answered requests by preset.");
    for (const auto& [preset, counts] : presets_) {
      out += steer::text({"steer_requests_total{preset=\"", preset, "\"} ", counts.requests, "\n"});
    }
    head("steer_answer_tokens_total", "counter", "Tokens of answers by preset.");
    for (const auto& [preset, counts] : presets_) {
      out += steer::text({"steer_answer_tokens_total{preset=\"", preset, "\"} ", counts.tokens, "\n"});
    }
    head("steer_seconds_per_token", "gauge", "Mean seconds per token of answers by preset.");
    for (const auto& [preset, counts] : presets_) {
      if (counts.tokens > 0) {
        out += steer::text({"steer_seconds_per_token{preset=\"", preset, "\"} ", counts.seconds / static_cast<double>(counts.tokens), "\n"});
      }
    }
    head("steer_refusals_total", "counter", "Refused requests by HTTP status.");
    for (const auto& [status, count] : refusals_) {
      out += steer::text({"steer_refusals_total{status=\"", status, "\"} ", count, "\n"});
    }
    head("steer_swaps_total", "counter", "Activations and rollbacks of presets.");
    out += steer::text({"steer_swaps_total ", swaps_, "\n"});
    head("steer_prompt_tokens_total", "counter", "Tokens of prompts.");
    out += steer::text({"steer_prompt_tokens_total ", engine.prompt_tokens, "\n"});
    head("steer_reused_tokens_total", "counter", "Tokens of prompts that were taken from the cache.");
    out += steer::text({"steer_reused_tokens_total ", engine.reused_tokens, "\n"});
    head("steer_generated_tokens_total", "counter", "Generated tokens.");
    out += steer::text({"steer_generated_tokens_total ", engine.generated_tokens, "\n"});
    head("steer_waiting_requests", "gauge", "Requests that wait for a slot.");
    out += steer::text({"steer_waiting_requests ", engine.waiting, "\n"});
    head("steer_writing_requests", "gauge", "Requests that are being written.");
    out += steer::text({"steer_writing_requests ", engine.writing, "\n"});
    return out;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, preset_counts> presets_;
  std::map<int, std::uint64_t> refusals_;
  std::uint64_t swaps_ = 0;
};

}  // namespace llama_steer::serve
