// Changes the dose while a story is being told: plans are compiled once, a hook points at the one in use.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <random>
#include <vector>

#include "exit_code.hpp"
#include "steer/steer.hpp"
#include "storybox/generator.hpp"
#include "storybox/model.hpp"

// Passes calls on to a plan. Point it at another one between two forward passes, never within one.
struct dial {
  const steer::plan* now;

  steer::access access(steer::site where) const noexcept { return now->access(where); }
  void operator()(steer::site where, steer::rows<float> h) const noexcept { (*now)(where, h); }
};

int main() {
  storybox::text_model model(storybox::load_model(STEER_STORYBOX_WEIGHTS), storybox::codec{});
  const steer::tokens_where shared{storybox::is_function_word, "function words"};
  steer::recorder recorder(model.shape(), {.tokens = shared});
  std::mt19937_64 engine(1);
  for (int i = 0; i < 8; ++i) {
    const auto [happy, sad] = storybox::contrast(engine, storybox::attribute::mood);
    recorder.record(model, storybox::tokens(happy), storybox::tokens(sad));
  }
  const steer::steering_vector mood = steer::mean_difference(recorder, {.name = "mood"});

  constexpr std::array doses{0.0F, 0.6F, -0.6F};
  std::vector<steer::plan> plans;
  for (const float dose : doses) {
    steer::recipe recipe;
    recipe.add(mood, {.strength = dose}, {.layers = {2}});
    plans.emplace_back(recipe, model.shape());
  }

  const std::vector prompt = model.tokenize("Once upon a time there was a little boy named Ben.");
  dial hook{&plans[0]};
  std::size_t ended = 0;  // sentences
  std::vector<std::int32_t> sentence;
  const auto on_token = [&](std::int32_t, std::int32_t token) {
    sentence.push_back(token);
    if (token == storybox::full_stop) {
      std::printf("%+.1f  %s\n", static_cast<double>(doses[ended / 2 % doses.size()]),
                  model.codec().decode(sentence).c_str());
      sentence.clear();
      ++ended;
      hook.now = &plans[ended / 2 % plans.size()];  // two sentences with each
    }
  };
  const reference::generation_options sampled{.sample = {.temperature = 1.0F}};
  std::mt19937_64 luck(2);
  reference::generate(model.decoder(), std::array{prompt}, sampled, luck, hook, on_token);

  // A plan of dose 0 leaves the very bits of a model that was never steered. (A story that was steered
  // on its way here still remembers it: that is in its cache.)
  const bool same = model.log_probabilities(prompt, plans[0]) == model.log_probabilities(prompt);
  std::printf("dose 0: %s\n", same ? "the same bits as without a plan" : "other bits");
  return example::exit_code();
}
