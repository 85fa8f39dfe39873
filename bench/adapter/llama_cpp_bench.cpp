// A generated token of a GGUF model: without steering, and with an addition at 13 layers, by a hook and by llama.cpp's own
// control vector.
#include "steer/adapter/llama_cpp.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "in_turn.hpp"

namespace {

constexpr int prompt_length = 32;
constexpr std::size_t steps = 64;  // tokens generated after the prompt, before the cache is emptied
constexpr int first_layer = 10;
constexpr int last_layer = 22;

llama_model* model() {
  static const std::unique_ptr<llama_model, void (*)(llama_model*)> loaded = [] {
    llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
    llama_backend_init();
    return std::unique_ptr<llama_model, void (*)(llama_model*)>(
        llama_model_load_from_file(STEER_LLAMA_MODEL, llama_model_default_params()), llama_model_free);
  }();
  return loaded.get();
}

/// One sequence that is written, always the same tokens.
class writer {
 public:
  explicit writer(int threads) : host_(model(), parameters(threads)) {
    std::mt19937_64 engine{1};
    std::uniform_int_distribution<std::int32_t> token(100, 40'000);
    for (std::size_t i = 0; i < prompt_length + 2 * steps; ++i) {
      tokens_.push_back(token(engine));
    }
  }

  steer::llama_cpp_host& host() { return host_; }

  void begin() {
    host_.begin(0, prompt_length);
    batch_.clear();
    for (int i = 0; i < prompt_length; ++i) {
      batch_.add(tokens_[static_cast<std::size_t>(i)], i, 0, steer::token_batch::output::none);
    }
    host_.decode(batch_.view());
    next_ = prompt_length;
  }

  void write() {
    batch_.clear();
    batch_.add(tokens_[static_cast<std::size_t>(next_)], next_, 0, steer::token_batch::output::logits);
    host_.decode(batch_.view());
    ++next_;
  }

  [[nodiscard]] std::vector<float> logits() {
    begin();
    write();
    const auto row = host_.logits(0);
    return {row.begin(), row.end()};
  }

 private:
  static llama_context_params parameters(int threads) {
    llama_context_params out = llama_context_default_params();
    out.n_ctx = 256;
    out.n_threads = threads;
    out.n_threads_batch = threads;
    return out;
  }

  steer::llama_cpp_host host_;
  std::vector<std::int32_t> tokens_;
  steer::token_batch batch_;
  llama_pos next_ = 0;
};

steer::plan additions(const steer::model_shape& shape) {
  std::mt19937_64 engine{2};
  std::normal_distribution<float> normal;
  steer::steering_vector v{.name = "random"};
  for (int layer = first_layer; layer <= last_layer; ++layer) {
    v.directions[layer].values = Eigen::VectorXf::NullaryExpr(shape.width, [&] { return normal(engine); });
  }
  return {steer::recipe{}.add(v, {.unit = steer::strength_unit::raw}), shape};
}

enum class contestant { plain, hook, native };

template <contestant who>
void against_plain(benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  writer base(threads);
  writer other(threads);
  const steer::plan plan = additions(other.host().shape());
  const std::vector<float> plain = base.logits();
  other.host().steer(plan, steer::llama_cpp_native::never);
  const std::vector<float> by_hook = other.logits();
  const auto path = other.host().steer(plan);
  const std::vector<float> by_native = other.logits();
  double largest = 0.0;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    largest = std::max(largest, static_cast<double>(std::abs(by_hook[i] - by_native[i])));
  }
  if (path != steer::llama_cpp_path::native || by_hook == plain || largest > 1e-2) {
    state.SkipWithError("hook and control vector do not give the same logits");
    return;
  }
  if constexpr (who == contestant::plain) {
    other.host().clear_hook();
  } else if constexpr (who == contestant::hook) {
    other.host().steer(plan, steer::llama_cpp_native::never);
  }
  bench::time_in_turn(
      state, "of_plain", {.steps = steps, .clock = threads == 1 ? bench::clock::of_thread : bench::clock::of_wall},
      [&] {
        base.begin();
        other.begin();
      },
      [&](std::size_t) { other.write(); }, [&](std::size_t) { base.write(); });
}

void threads(benchmark::internal::Benchmark* b) { b->ArgName("threads")->Arg(1)->Arg(2)->UseManualTime(); }

BENCHMARK(against_plain<contestant::plain>)->Name("llama_decode/plain")->Apply(threads);
BENCHMARK(against_plain<contestant::hook>)->Name("llama_decode/hook")->Apply(threads);
BENCHMARK(against_plain<contestant::native>)->Name("llama_decode/native")->Apply(threads);

}  // namespace
