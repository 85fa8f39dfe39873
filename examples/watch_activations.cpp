// Reads activations by a hook of your own: whatever has a noexcept access() and operator().

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <random>

#include "exit_code.hpp"
#include "steer/steer.hpp"
#include "storybox/generator.hpp"
#include "storybox/model.hpp"

// The mean length of the activations after each layer.
struct norm_watcher {
  std::array<double, 4> sum{};
  std::array<double, 4> rows{};

  double mean(std::size_t layer) const { return sum[layer] / rows[layer]; }
  steer::access access(steer::site where) const noexcept {
    return where.point == steer::point::residual_out ? steer::access::read : steer::access::none;
  }
  void operator()(steer::site where, steer::rows<float> activations) noexcept {
    const auto layer = static_cast<std::size_t>(where.layer);
    for (std::ptrdiff_t i = 0; i < activations.count; ++i) {
      if (activations.info_of(i).position == 0) {
        continue;  // what begins a text is an outlier in most models
      }
      double squares = 0.0;
      for (const float h : activations[i]) {
        squares += static_cast<double>(h) * static_cast<double>(h);
      }
      sum[layer] += std::sqrt(squares);
      rows[layer] += 1.0;
    }
  }
};
static_assert(steer::hook<norm_watcher>);

int main() {
  storybox::text_model model(storybox::load_model(STEER_STORYBOX_WEIGHTS), storybox::codec{});
  std::mt19937_64 engine(1);
  const auto [happy, sad] = storybox::contrast(engine, storybox::attribute::mood);

  steer::recorder recorder(model.shape());
  recorder.record(model, storybox::tokens(happy), storybox::tokens(sad));
  steer::recipe recipe;
  recipe.add(steer::mean_difference(recorder, {.name = "mood"}), {.strength = 0.5F}, {.layers = {1}});
  const steer::plan plan(recipe, model.shape());

  norm_watcher before;
  norm_watcher after;
  model.evaluate(storybox::tokens(sad), before);
  const steer::chain both(plan, after);  // in this order: the watcher sees what the plan leaves
  model.evaluate(storybox::tokens(sad), both);

  std::puts("layer  mean norm  steered");
  for (std::size_t layer = 0; layer < 4; ++layer) {
    std::printf("%-5zu%11.2f%9.2f\n", layer, before.mean(layer), after.mean(layer));
  }
  return example::exit_code();
}
