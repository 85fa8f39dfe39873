// A generated token of the storybox model: without a hook, with an empty plan, and with an addition at every layer.
#include "transformer/decoder.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "in_turn.hpp"
#include "steer/inject/plan.hpp"
#include "storybox/model.hpp"

namespace {

constexpr int prompt_length = 12;
constexpr std::size_t steps = 128;  // tokens generated after the prompt, before the cache is emptied

/// The same addition by hand: v at every row that leaves a block.
struct by_hand {
  const steer::steering_vector& v;

  [[nodiscard]] steer::access access(steer::site where) const noexcept {
    return where.point == v.point ? steer::access::write : steer::access::none;
  }
  void operator()(steer::site where, steer::rows<float> activations) const noexcept {
    const Eigen::VectorXf& values = v.directions.at(where.layer).values;
    for (std::ptrdiff_t i = 0; i < activations.count; ++i) {
      for (std::ptrdiff_t j = 0; j < activations.width; ++j) {
        activations[i][static_cast<std::size_t>(j)] += values[j];
      }
    }
  }
};

/// S sequences that generate side by side. Every contestant runs the same tokens in the same memory.
class writers {
 public:
  explicit writers(int sequences)
      : decoder_(storybox::load_model(STEER_STORYBOX_WEIGHTS),
                 {.sequences = sequences, .context = prompt_length + static_cast<int>(steps)}) {
    std::mt19937_64 engine{1};
    std::uniform_int_distribution<std::int32_t> token(0, storybox::codec::vocabulary() - 1);
    const auto random = [&](std::size_t count) {
      std::vector<std::int32_t> tokens(count);
      std::generate(tokens.begin(), tokens.end(), [&] { return token(engine); });
      return tokens;
    };
    prompt_ = random(prompt_length);
    written_ = random(steps);
    for (int s = 0; s < sequences; ++s) {
      batch_.push_back({.sequence = s,
                        .phase = steer::phase::generation,
                        .prompt_length = prompt_length,
                        .want = reference::output::logits});
    }
  }

  [[nodiscard]] const steer::model_shape& shape() const { return decoder_.shape(); }

  /// Empties the cache and runs the prompts.
  void begin() {
    for (const reference::row& row : batch_) {
      decoder_.clear(row.sequence);
      decoder_.prompt(row.sequence, prompt_);
    }
  }

  /// The next token of every sequence.
  template <class Hook>
  reference::logits_view decode(std::size_t step, Hook& hook) {
    for (reference::row& row : batch_) {
      row.token = written_[step];
    }
    return decoder_.decode(batch_, hook);
  }

  /// The logits of all generated tokens, one after the other.
  template <class Hook>
  [[nodiscard]] std::vector<float> logits(Hook& hook) {
    std::vector<float> all;
    begin();
    for (std::size_t step = 0; step < steps; ++step) {
      const auto logits = decode(step, hook);
      all.insert(all.end(), logits.data(), logits.data() + logits.size());
    }
    return all;
  }

 private:
  reference::decoder decoder_;
  std::vector<std::int32_t> prompt_, written_;
  std::vector<reference::row> batch_;  // [S]
};

/// A direction at every layer, a few per cent of what flows there.
steer::steering_vector random_vector(const steer::model_shape& shape) {
  std::mt19937_64 engine{2};
  std::normal_distribution<float> normal(0.0F, 0.05F);
  steer::steering_vector v{.name = "random"};
  for (int layer = 0; layer < shape.layers; ++layer) {
    v.directions[layer].values = Eigen::VectorXf::NullaryExpr(shape.width, [&] { return normal(engine); });
  }
  return v;
}

struct contestants {
  writers model;
  steer::steering_vector v = random_vector(model.shape());
  const steer::no_hook plain = {};
  const steer::plan empty_plan{steer::recipe{}, model.shape()};
  const steer::plan steered{steer::recipe{}.add(v, {.unit = steer::strength_unit::raw}), model.shape()};

  /// Whether each leaves the bits that it must.
  [[nodiscard]] bool write_what_they_must() {
    const std::vector<float> unsteered = model.logits(plain);
    const std::vector<float> with_v = model.logits(steered);
    by_hand expected{v};
    return model.logits(empty_plan) == unsteered && with_v != unsteered && with_v == model.logits(expected);
  }
};

template <auto hook>
void against_plain(benchmark::State& state) {
  contestants all{.model = writers(static_cast<int>(state.range(0)))};
  if (!all.write_what_they_must()) {
    state.SkipWithError("the logits are not those of the same edit by hand");
    return;
  }
  writers& model = all.model;
  bench::time_in_turn(
      state, "of_plain", {.steps = steps}, [&] { model.begin(); },
      [&](std::size_t step) { model.decode(step, all.*hook); },
      [&](std::size_t step) { model.decode(step, all.plain); });
}

void batches(benchmark::internal::Benchmark* b) { b->ArgName("S")->Arg(1)->Arg(16)->UseManualTime(); }

BENCHMARK(against_plain<&contestants::plain>)->Name("decode/plain")->Apply(batches);
BENCHMARK(against_plain<&contestants::empty_plan>)->Name("decode/empty_plan")->Apply(batches);
BENCHMARK(against_plain<&contestants::steered>)->Name("decode/steered")->Apply(batches);

}  // namespace
