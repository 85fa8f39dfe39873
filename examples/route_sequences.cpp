// Serves a batch in which every sequence has doses of its own: one plan, one pass over the rows, and a table to swap.

#include <array>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "exit_code.hpp"
#include "steer/steer.hpp"
#include "storybox/generator.hpp"
#include "storybox/model.hpp"

steer::steering_vector extract(storybox::text_model& model, storybox::attribute which) {
  const steer::tokens_where shared{storybox::is_function_word, "function words"};
  steer::recorder recorder(model.shape(), {.tokens = shared});
  std::mt19937_64 engine(1);
  for (int i = 0; i < 8; ++i) {
    const auto [with, without] = storybox::contrast(engine, which);
    recorder.record(model, storybox::tokens(with), storybox::tokens(without));
  }
  return steer::mean_difference(recorder, {.name = std::string(storybox::name(which))});
}

int main() {
  storybox::text_model model(storybox::load_model(STEER_STORYBOX_WEIGHTS), storybox::codec{}, {.sequences = 3});
  steer::recipe recipe;
  recipe.add(extract(model, storybox::attribute::mood), {.strength = 0.5F}, {.layers = {2}});
  recipe.add(extract(model, storybox::attribute::dialogue), {.strength = 0.5F}, {.layers = {2}});

  // Compiled once. A dose is the share of an edit that a sequence receives; sequences that are not named are left alone.
  const steer::plan plan(recipe, model.shape(), {.doses = steer::doses_from::routes});
  const auto table_of = [&](float mood, float dialogue) {
    steer::routing_table table;
    table.route(0, plan, {mood, dialogue}).route(1, plan, {-mood, dialogue});
    return table;
  };
  steer::routes routes(table_of(1.0F, 1.0F));

  const std::vector prompt = model.tokenize("Once upon a time there was a little boy named Ben.");
  const std::array prompts{prompt, prompt, prompt};
  const auto tell = [&](const char* title) {
    std::array<std::vector<std::int32_t>, 3> stories;
    std::mt19937_64 luck(3);
    const reference::generation_options sampled{.max_tokens = 30, .sample = {.temperature = 1.0F}};
    reference::generate(model.decoder(), prompts, sampled, luck, routes,
                        [&](std::int32_t sequence, std::int32_t token) {
                          stories[static_cast<std::size_t>(sequence)].push_back(token);
                        });
    std::printf("%s\n", title);
    for (const auto& story : stories) {
      std::printf("  %s\n", model.codec().decode(story).c_str());
    }
  };
  tell("happy, sad, left alone; all that is steered in dialogue");

  // Another table takes effect with the next call, from any thread, and compiles nothing.
  routes.use(table_of(1.0F, -1.0F));
  tell("happy, sad, left alone; all that is steered in narration");
  return example::exit_code();
}
