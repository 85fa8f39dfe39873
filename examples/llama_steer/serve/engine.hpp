// llama_steer/serve/engine.hpp: many requests in one batch, each under its own steering.
//
// One thread owns the context. A request waits in a bounded queue for one of a fixed number of slots, each a sequence of the context; a
// pass computes the next token of every slot that writes, and as much of the prompts of the others as a batch has room for.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "llama_steer/answers.hpp"
#include "llama_steer/sampling.hpp"
#include "llama_steer/serve/coordinates.hpp"
#include "llama_steer/serve/generation.hpp"
#include "llama_steer/serve/options.hpp"
#include "steer/adapter/llama_cpp.hpp"
#include "steer/core/chain.hpp"
#include "steer/inject/routes.hpp"
#include "steer/serve/preset_library.hpp"

namespace llama_steer::serve {

/// There is no room for another request.
struct queue_full : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What was done since the start.
struct engine_counts {
  std::uint64_t prompt_tokens = 0;
  std::uint64_t reused_tokens = 0;  ///< of prompts, whose rows were in the cache
  std::uint64_t generated_tokens = 0;
  std::size_t waiting = 0;
  std::size_t writing = 0;
};

class engine {
 public:
  engine(llama_model* model, const engine_options& options, steer::llama_cpp_options adapted)
      : options_(options), host_(model, parameters_of(options), std::move(adapted)), slots_(options.slots) {
    host_.set_hook(acts_);
    worker_ = std::thread([this] { run(); });
  }
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;
  ~engine() { finish(); }

  [[nodiscard]] const steer::model_shape& shape() const noexcept { return host_.shape(); }
  [[nodiscard]] const llama_model& model() const noexcept { return host_.model(); }
  [[nodiscard]] const engine_options& options() const noexcept { return options_; }

  /// @throws queue_full; steer::argument_error for a prompt that is empty or leaves no room in a slot's context
  std::shared_ptr<generation> submit(generation_request asked) {
    if (asked.prompt.empty() || asked.prompt.size() >= options_.context) {
      throw steer::argument_error(steer::text({"the prompt has ", steer::actual(asked.prompt.size()), " tokens; expected ",
                                               steer::expected({"1 to ", options_.context - 1})}));
    }
    auto out = std::make_shared<generation>(std::move(asked));
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) {
        throw queue_full("the server is stopping");
      }
      if (waiting_.size() >= options_.queue + (options_.slots - busy_)) {
        throw queue_full(steer::text({waiting_.size(), " requests are waiting already"}));
      }
      waiting_.push_back(out);
    }
    wake_.notify_one();
    return out;
  }

  /// Whose coordinates requests get from the next pass on.
  void watch(watched_directions what) {
    const std::lock_guard lock(mutex_);
    watched_ = std::move(what);
  }

  [[nodiscard]] engine_counts counts() const {
    const std::lock_guard lock(mutex_);
    engine_counts out = counts_;
    out.waiting = waiting_.size();
    out.writing = busy_;
    return out;
  }

  /// Takes no more requests, ends those that wait, finishes those that are being written, and returns.
  void finish() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      for (const auto& each : waiting_) {
        each->end(ending::cancelled);
      }
      waiting_.clear();
    }
    wake_.notify_one();
    if (worker_.joinable()) {
      worker_.join();
    }
  }

 private:
  /// A sequence of the context, and the request that it works for.
  struct slot {
    std::shared_ptr<generation> work = nullptr;
    std::vector<std::int32_t> cached = {};  ///< tokens of the prompt whose rows are in the cache
    std::string digest = {};                ///< under which they were computed
    bool reusable = false;                  ///< whether another prompt may take them over
    std::size_t read = 0;                   ///< rows of the prompt that are there
    std::size_t written = 0;                ///< tokens of the answer
    std::int32_t next = 0;                  ///< the token to be read in the next pass
    std::mt19937_64 luck = {};
  };

  static llama_context_params parameters_of(const engine_options& options) {
    llama_context_params out = llama_context_default_params();
    out.n_seq_max = static_cast<std::uint32_t>(options.slots);
    out.n_ctx = static_cast<std::uint32_t>(options.slots * ((options.context + 255) / 256 * 256));
    out.n_batch = static_cast<std::uint32_t>(std::max(options.batch, options.slots));
    out.n_ubatch = out.n_batch;
    out.n_threads = options.threads;
    out.n_threads_batch = options.threads;
    return out;
  }

  void run() {
    for (;;) {
      std::optional<watched_directions> watched;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return stopping_ || !waiting_.empty() || busy_ > 0; });
        if (stopping_ && waiting_.empty() && busy_ == 0) {
          return;
        }
        assign();
        watched = std::exchange(watched_, std::nullopt);
      }
      try {
        if (watched) {
          reader_.watch(std::move(*watched), host_.shape(), rows_of_pass(), slots_.size());
        }
        step();
      } catch (const std::exception& problem) {
        fail_all(problem.what());
      }
    }
  }

  /// Gives waiting requests to idle slots, to the one that has most of the prompt already.
  void assign() {
    while (!waiting_.empty()) {
      const std::shared_ptr<generation>& next = waiting_.front();
      slot* best = nullptr;
      std::size_t most = 0;
      for (slot& each : slots_) {
        if (each.work != nullptr) {
          continue;
        }
        if (const std::size_t common = in_common(each, *next); best == nullptr || common > most) {
          best = &each;
          most = common;
        }
      }
      if (best == nullptr) {
        return;
      }
      const std::shared_ptr<generation> work = next;
      waiting_.pop_front();
      if (work->is_cancelled()) {
        work->end(ending::cancelled);
        continue;
      }
      try {
        take(*best, work, most);
      } catch (const std::exception& problem) {  // a cache that keeps what it should drop
        best->cached.clear();
        best->reusable = false;
        work->fail(problem.what());
        work->end(ending::failed);
      }
    }
  }

  /// Tokens of a prompt whose rows a slot has, computed as they would be for this request. The last one is always computed: for its logits.
  [[nodiscard]] static std::size_t in_common(const slot& has, const generation& wanted) {
    const generation_request& asked = wanted.asked();
    if (!has.reusable || has.digest != asked.steering->digest || asked.steering->by_prompt_length) {
      return 0;
    }
    const std::size_t most = std::min(has.cached.size(), asked.prompt.size() - 1);
    std::size_t out = 0;
    while (out < most && has.cached[out] == asked.prompt[out]) {
      ++out;
    }
    return out;
  }

  void take(slot& to, std::shared_ptr<generation> work, std::size_t reused) {
    const auto sequence = static_cast<llama_seq_id>(&to - slots_.data());
    const generation_request& asked = work->asked();
    const auto length = static_cast<std::int32_t>(asked.prompt.size());
    to.read = 0;
    if (reused > 0) {
      try {
        host_.resume(sequence, static_cast<llama_pos>(reused), length);
        to.read = reused;
      } catch (const steer::error&) {  // a memory that cannot drop some rows
      }
    }
    if (to.read == 0) {
      host_.begin(sequence, length);
    }
    counts_.reused_tokens += to.read;
    to.digest = asked.steering->digest;
    to.reusable = !asked.steering->by_prompt_length;
    to.cached.assign(asked.prompt.begin(), asked.prompt.begin() + static_cast<std::ptrdiff_t>(to.read));
    to.written = 0;
    to.luck.seed(asked.seed);
    to.work = std::move(work);
    ++busy_;
    routes_changed_ = true;
  }

  /// One pass over all slots that have work.
  void step() {
    using output = steer::token_batch::output;
    batch_.clear();
    outputs_.clear();
    for (slot& each : slots_) {
      if (each.work != nullptr && each.work->is_over_time()) {
        leave(each, ending::timed_out);
      } else if (each.work != nullptr && each.work->is_cancelled()) {
        leave(each, ending::cancelled);
      } else if (each.work != nullptr && each.read == each.work->asked().prompt.size()) {
        add(each, each.next, each.read + each.written - 1, output::logits);
      }
    }
    const std::size_t most = rows_of_pass();
    for (slot& each : slots_) {
      if (each.work == nullptr) {
        continue;
      }
      const std::vector<std::int32_t>& prompt = each.work->asked().prompt;
      while (each.read < prompt.size() && batch_.size() < most) {
        const bool last = each.read + 1 == prompt.size();
        add(each, prompt[each.read], each.read, last ? output::logits : output::none);
        each.cached.push_back(prompt[each.read]);
        ++each.read;
      }
    }
    if (batch_.size() == 0) {
      return;
    }
    follow();
    reader_.begin_pass(std::any_of(slots_.begin(), slots_.end(), [](const slot& each) { return each.work != nullptr && each.work->asked().coordinates; }));
    host_.decode(batch_.view());
    for (const auto& [row, at] : outputs_) {
      slot& each = slots_[at];
      if (each.work != nullptr) {
        write(each, host_.logits(row));
      }
    }
  }

  [[nodiscard]] std::size_t rows_of_pass() const noexcept { return std::max(options_.batch, options_.slots); }

  void add(slot& of, std::int32_t token, std::size_t position, steer::token_batch::output wanted) {
    const auto at = static_cast<std::size_t>(&of - slots_.data());
    if (wanted == steer::token_batch::output::logits) {
      outputs_.emplace_back(static_cast<std::int32_t>(batch_.size()), at);
    }
    batch_.add(token, static_cast<llama_pos>(position), static_cast<llama_seq_id>(at), wanted);
  }

  /// Who follows which plan: changed between passes only.
  void follow() {
    if (!std::exchange(routes_changed_, false)) {
      return;
    }
    std::vector<std::pair<std::int32_t, std::shared_ptr<const steer::steering>>> all;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].work != nullptr && !slots_[i].work->asked().steering->plan.empty()) {
        all.emplace_back(static_cast<std::int32_t>(i), slots_[i].work->asked().steering);
      }
    }
    routes_.use(steer::table_of(all));
  }

  /// The next token of an answer.
  void write(slot& to, std::span<const float> logits) {
    const generation_request& asked = to.work->asked();
    const std::int32_t token = sample(logits, asked.temperature, asked.top_p, to.luck);
    {
      const std::lock_guard lock(mutex_);
      counts_.prompt_tokens += to.written == 0 ? asked.prompt.size() : 0;
      counts_.generated_tokens += 1;
    }
    if (llama_vocab_is_eog(llama_model_get_vocab(&host_.model()), token)) {
      leave(to, ending::stop);
      return;
    }
    token_coordinates coordinates;
    if (asked.coordinates) {
      coordinates = reader_.of(static_cast<std::int32_t>(&to - slots_.data()), static_cast<std::int32_t>(asked.prompt.size() + to.written - 1));
    }
    ++to.written;
    to.next = token;
    if (to.work->add(token, piece_of(host_.model(), token), std::move(coordinates))) {
      leave(to, ending::stop);
    } else if (to.written >= asked.max_tokens || asked.prompt.size() + to.written >= options_.context) {
      leave(to, ending::length);
    }
  }

  void leave(slot& of, ending how) {
    std::exchange(of.work, nullptr)->end(how);
    --busy_;
    routes_changed_ = true;
  }

  /// A pass that failed has left nothing in the cache that a slot counts on.
  void fail_all(const std::string& why) {
    for (slot& each : slots_) {
      each.cached.clear();
      each.reusable = false;
      if (each.work != nullptr) {
        each.work->fail(why);
        leave(each, ending::failed);
      }
    }
  }

  const engine_options options_;
  steer::routes routes_;
  coordinate_reader reader_;
  steer::chain<steer::routes, coordinate_reader> acts_{routes_, reader_};  // one hook always: a cached prefix is of the hook that computed it
  steer::llama_cpp_host host_;  // after what it calls
  std::vector<slot> slots_;     // of the worker alone, as all that follows up to the mutex
  steer::token_batch batch_;
  std::vector<std::pair<std::int32_t, std::size_t>> outputs_;  // row, slot
  bool routes_changed_ = false;
  std::atomic<std::size_t> busy_{0};  // slots that have work
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<generation>> waiting_;
  engine_counts counts_;
  std::optional<watched_directions> watched_;  // that are not read yet
  bool stopping_ = false;
  std::thread worker_;
};

}  // namespace llama_steer::serve
