// What it costs to hold a stack of recipes against a policy, beside compiling the plan that it may become, and reading its numbers once.
#include "steer/guard/admit.hpp"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <random>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "in_turn.hpp"
#include "steer/inject/plan.hpp"
#include "steer/recipe/recipe.hpp"
#include "toy.hpp"

namespace {

/// Three recipes as fits make them: at every layer one addition behind a ramp; and a policy with every rule that looks at numbers.
struct stack {
  steer::model_shape shape;
  std::vector<steer::documented_recipe> recipes;
  std::vector<steer::dosed_recipe> parts;
  steer::policy rules;
  std::vector<float> numbers;  // as many as the stack has

  stack(int layers, Eigen::Index d) : shape(toy::shape(layers, d)), recipes(3) {
    std::mt19937_64 engine{1};
    steer::protected_subspace refusal{.name = "refusal", .most_share = 1.0, .most_dose = 100.0};
    for (int layer = 0; layer < layers; ++layer) {
      rules.row_norms[{layer, steer::point::residual_out}] = 10.0;
      refusal.bases[layer] = toy::random_rows<double>(engine, 1, d);
      refusal.bases[layer].rowwise().normalize();
      for (steer::documented_recipe& each : recipes) {
        const steer::steering_vector v = toy::random_vector(engine, {layer}, d);
        each.recipe.add(v, {.strength = 0.01F}, {.gate = {.conditions = {steer::ramp(toy::random_vector(engine, {layer}, d), 0.0F, 1.0F, 2.0F)}}});
      }
    }
    rules.protects = {refusal};
    rules.most_layer_dose = 100.0;
    rules.most_total_dose = 1000.0;
    for (std::size_t i = 0; i < recipes.size(); ++i) {
      parts.push_back({steer::text(i), &recipes[i], 0.5});
    }
    numbers.assign(static_cast<std::size_t>(2 * 3 * layers * d), 1.0F);
  }
};

/// @param work  what is done with the stack beside making a plan of it
template <class Work>
void race(benchmark::State& state, Work work) {
  const stack s(static_cast<int>(state.range(1)), state.range(0));
  const steer::recipe made = steer::stacked(s.parts);
  const steer::admission given = steer::examine(s.rules, s.parts, s.shape);
  if (!given.granted() || !(given.recipe == made)) {
    state.SkipWithError("the policy does not grant the stack as it is");
    return;
  }
  bench::time_in_turn(
      state, "of_plan", {}, [] {}, [&](std::size_t) { work(s); }, [&](std::size_t) { benchmark::DoNotOptimize(steer::plan(made, s.shape)); });
}

void examine(benchmark::State& state) {
  race(state, [](const stack& s) { benchmark::DoNotOptimize(steer::examine(s.rules, s.parts, s.shape)); });
}

/// Reads as many numbers once: the machine's limit.
void touch(benchmark::State& state) {
  race(state, [](const stack& s) {
    float sum = 0.0F;
    for (const float number : s.numbers) {
      sum += number;
    }
    benchmark::DoNotOptimize(sum);
  });
}

void sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"d", "L"})->Args({576, 30})->Args({4096, 43})->UseManualTime()->Unit(benchmark::kMillisecond);
}

BENCHMARK(examine)->Name("policy/examine")->Apply(sizes);
BENCHMARK(touch)->Name("policy/touch")->Apply(sizes);

}  // namespace
