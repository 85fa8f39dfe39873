// llama_steer/serve/service.hpp: what a server does with a request once it has it, whatever brought it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "llama_steer/serve/api_answer.hpp"
#include "llama_steer/serve/api_error.hpp"
#include "llama_steer/serve/api_request.hpp"
#include "llama_steer/serve/engine.hpp"
#include "llama_steer/serve/metrics.hpp"
#include "llama_steer/subject.hpp"
#include "steer/adapter/llama_cpp.hpp"
#include "steer/serve/preset_library.hpp"

namespace llama_steer::serve {

struct service_options {
  std::string model_name = {};      ///< as clients name it
  model_options model = {};
  engine_options engine = {};
  std::chrono::seconds patience{300};  ///< after which an answer is cut off
  std::filesystem::path presets = {};  ///< their folder
  std::filesystem::path audit = {};    ///< their trail; empty: none
};

/// A request that is being answered.
struct running_answer {
  completion_request asked;
  std::shared_ptr<generation> work;
  answer_head head;
  clock::time_point since = clock::now();
};

/// The model, its presets, and what is counted.
class service {
 public:
  /// @param presets  of this very model
  service(llama_model* model, service_options options, std::unique_ptr<steer::preset_library> presets)
      : options_(std::move(options)), presets_(std::move(presets)), engine_(model, options_.engine, {.file = options_.model.model}) {
    watch();
  }

  [[nodiscard]] steer::preset_library& presets() noexcept { return *presets_; }
  [[nodiscard]] const steer::preset_library& presets() const noexcept { return *presets_; }
  [[nodiscard]] metrics& counted() noexcept { return metrics_; }
  [[nodiscard]] const service_options& options() const noexcept { return options_; }
  [[nodiscard]] std::int64_t started() const noexcept { return started_; }
  [[nodiscard]] std::string metrics_text() const { return metrics_.text(engine_.counts()); }
  void finish() { engine_.finish(); }

  /// Coordinates are those of the presets that are there now.
  void watch() {
    const std::lock_guard lock(mutex_);  // who comes later has seen no less
    watched_directions now = watched_by(*presets_);
    watched_ = now.names;
    engine_.watch(std::move(now));
  }
  /// Presets that tokens have a coordinate of.
  [[nodiscard]] std::vector<std::string> watched() const {
    const std::lock_guard lock(mutex_);
    return watched_;
  }

  /// Begins to answer.
  /// @throws api_error for what cannot be answered, 429 where there is no room
  running_answer begin(completion_request asked, const std::string& who) {
    if (asked.model != options_.model_name) {
      throw api_error(steer::text({"the model \"", excerpt(asked.model), "\" does not exist; expected \"", options_.model_name, "\""}),
                      {.status = 404, .param = "model", .code = "model_not_found"});
    }
    if (asked.steering.coordinates && watched().empty()) {
      throw api_error("no preset watches a direction, so there are no coordinates", {.param = "steering.coordinates", .code = "invalid_value"});
    }
    generation_request work;
    work.coordinates = asked.steering.coordinates;
    try {
      work.steering = presets_->steering_for(request_of(asked.steering), who);
    } catch (const steer::error& problem) {
      throw error_for_client(problem);
    }
    try {
      work.prompt = prompt_of(asked);
      work.max_tokens = asked.max_tokens;
      work.temperature = asked.temperature;
      work.top_p = asked.top_p;
      work.seed = asked.seed ? *asked.seed : std::random_device{}();
      work.stop = asked.stop;
      work.deadline = clock::now() + options_.patience;
      answer_head head{.kind = asked.kind, .id = next_id(asked.kind), .created = std::time(nullptr), .model = options_.model_name};
      return {std::move(asked), engine_.submit(std::move(work)), std::move(head)};
    } catch (const queue_full& problem) {
      throw api_error(problem.what(), {.status = 429, .type = "rate_limit_error", .code = "queue_full"});
    } catch (const steer::argument_error& problem) {
      throw api_error(problem.what(), {.param = asked.kind == completion_kind::chat ? "messages" : "prompt", .code = "context_length_exceeded"});
    }
  }

  /// Counts an answer that has ended.
  void note(const running_answer& of) {
    const double seconds = std::chrono::duration<double>(clock::now() - of.since).count();
    metrics_.answered(of.work->asked().steering->base, of.work->tokens().size(), seconds);
  }

 private:
  static steer::steering_request request_of(const steering_wish& wish) {
    steer::steering_request out{.doses = wish.doses, .on = wish.base, .phase = wish.phase};
    if (wish.preset) {
      out.doses.insert(out.doses.begin(), {*wish.preset, 1.0});
    }
    return out;
  }

  [[nodiscard]] token_list prompt_of(const completion_request& asked) const {
    if (asked.kind == completion_kind::text) {
      return steer::tokenize(engine_.model(), asked.prompt, steer::special_tokens::as_text);
    }
    std::vector<steer::chat_message> turns;
    for (const auto& [role, content] : asked.messages) {
      turns.push_back({role, content});
    }
    return steer::chat_tokens(engine_.model(), turns, options_.model.pattern);
  }

  std::string next_id(completion_kind kind) {
    return steer::text({kind == completion_kind::chat ? "chatcmpl-" : "cmpl-", run_, "-", ++answers_});
  }

  const service_options options_;
  std::unique_ptr<steer::preset_library> presets_;
  metrics metrics_;
  engine engine_;
  const std::int64_t started_ = std::time(nullptr);
  const std::uint32_t run_ = std::random_device{}();
  std::atomic<std::uint64_t> answers_{0};
  mutable std::mutex mutex_;
  std::vector<std::string> watched_;
};

}  // namespace llama_steer::serve
