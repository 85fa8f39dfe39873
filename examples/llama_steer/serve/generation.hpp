// llama_steer/serve/generation.hpp: one request while it is worked on: who writes it and who reads it meet here.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "llama_steer/serve/api_answer.hpp"
#include "llama_steer/serve/coordinates.hpp"
#include "steer/serve/preset_library.hpp"

namespace llama_steer::serve {

using clock = std::chrono::steady_clock;

struct generation_request {
  std::vector<std::int32_t> prompt = {};
  std::size_t max_tokens = 256;
  double temperature = 1.0;  ///< 0: the likeliest token
  double top_p = 1.0;
  std::uint64_t seed = 0;
  std::vector<std::string> stop = {};
  std::shared_ptr<const steer::steering> steering = nullptr;
  clock::time_point deadline = clock::time_point::max();
  bool coordinates = false;  ///< whether a reader gets them, and so each token for itself
};

enum class ending : std::uint8_t { stop, length, cancelled, timed_out, failed };

/// What a reader gets: text, and at last how it ended.
struct piece {
  std::string text = {};
  token_coordinates coordinates = {};  ///< of the row that the text's last token was chosen at, if they are wanted
  std::optional<ending> ended = std::nullopt;
};

class generation {
 public:
  explicit generation(generation_request asked) : asked_(std::move(asked)), filter_(asked_.stop) {}

  [[nodiscard]] const generation_request& asked() const noexcept { return asked_; }

  // Who writes.

  /// @return whether the text has come to a stop string
  bool add(std::int32_t token, const std::string& text, token_coordinates coordinates = {}) {
    const std::lock_guard lock(mutex_);
    tokens_.push_back(token);
    keep(filter_.add(text), std::move(coordinates));
    changed_.notify_one();
    return filter_.stopped();
  }
  void fail(const std::string& why) {
    const std::lock_guard lock(mutex_);
    why_ = why;
  }
  /// Only the first end counts.
  void end(ending how) {
    const std::lock_guard lock(mutex_);
    if (!ended_) {
      keep(filter_.finish(), {});
      ended_ = how;
      changed_.notify_one();
    }
  }
  [[nodiscard]] bool is_cancelled() const noexcept { return cancelled_; }
  [[nodiscard]] bool is_over_time() const noexcept { return clock::now() > asked_.deadline; }

  // Who reads.

  /// Waits for more text or the end, at most so long: then nothing has changed.
  piece next(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [this] { return !unread_.empty() || ended_.has_value(); });
    piece out;
    if (!unread_.empty()) {
      out = std::move(unread_.front());
      unread_.pop_front();
    }
    if (unread_.empty()) {
      out.ended = ended_;
    }
    return out;
  }
  /// Nobody reads any more.
  void cancel() noexcept { cancelled_ = true; }

  [[nodiscard]] std::vector<std::int32_t> tokens() const {
    const std::lock_guard lock(mutex_);
    return tokens_;
  }
  [[nodiscard]] std::string why() const {
    const std::lock_guard lock(mutex_);
    return why_;
  }

 private:
  void keep(std::string text, token_coordinates coordinates) {
    if (text.empty()) {
      return;
    }
    if (unread_.empty() || asked_.coordinates) {
      unread_.push_back({.text = std::move(text), .coordinates = std::move(coordinates)});
    } else {
      unread_.back().text += text;
    }
  }

  const generation_request asked_;
  std::atomic<bool> cancelled_{false};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  text_filter filter_;
  std::deque<piece> unread_;
  std::string why_;  // it failed
  std::vector<std::int32_t> tokens_;
  std::optional<ending> ended_;
};

}  // namespace llama_steer::serve
