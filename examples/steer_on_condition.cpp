// Steers a story only if it began sadly, keeps a second concept within bounds, and reads back what was done where.

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

/// What a gate reads of a prompt: the coordinate of its last row.
float reading(storybox::text_model& model, const steer::steering_vector& v, const std::string& prompt) {
  steer::session watching(steer::recipe{}.watch({v}, {.layers = {2}}), model.shape());
  steer::observations seen;
  watching.observe(&seen);
  (void)model.log_probabilities(model.tokenize(prompt), watching);
  return seen.coordinates(seen.size() - 1)[0];
}

int main() {
  storybox::text_model model(storybox::load_model(STEER_STORYBOX_WEIGHTS), storybox::codec{}, {.sequences = 2});
  const steer::steering_vector mood = extract(model, storybox::attribute::mood);
  const steer::steering_vector hedged = extract(model, storybox::attribute::hedged);

  // The prompt's last row decides for all that is written after it. What it says of sad and happy beginnings is measured.
  const std::string opener = "Once upon a time there was a little boy named Ben. ";
  const float happy = reading(model, mood, opener + "He smiled at the kite.");
  const float sad = reading(model, mood, opener + "He sobbed behind the tree.");
  std::printf("the gate reads %.2f and %.2f\n", static_cast<double>(happy), static_cast<double>(sad));
  const steer::gate began_sadly{.conditions = {steer::above(mood, 0.5F * (happy + sad))},
                                .combination = steer::combination::none,
                                .time = steer::gate_time::on_prompt};
  steer::recipe recipe;
  recipe.add(mood, {.strength = 0.6F}, {.layers = {2}, .gate = began_sadly});
  // Rows that are more certain than the middle of all texts are moved there; others keep their bits.
  recipe.floor(hedged, 0.0F, {.origin = steer::coordinate_origin::midpoint}, {.layers = {2}});

  steer::session session(recipe, model.shape(), {.sequences = 2});
  std::fputs(session.explain().c_str(), stdout);
  steer::observations trace({.keep = steer::keep::changes});
  session.observe(&trace);

  const std::array prompts{
      model.tokenize(opener + "He laughed at the boat."),
      model.tokenize(opener + "He cried over the boat."),
  };
  std::array<std::vector<std::int32_t>, 2> stories;
  const reference::generation_options sampled{.max_tokens = 36, .sample = {.temperature = 1.0F}};
  std::mt19937_64 luck(4);
  reference::generate(model.decoder(), prompts, sampled, luck, session, [&](std::int32_t sequence, std::int32_t token) {
    stories[static_cast<std::size_t>(sequence)].push_back(token);
  });

  for (std::int32_t sequence : {0, 1}) {
    std::array<int, 2> steered{};  // rows, by edit
    for (std::size_t i = 0; i < trace.size(); ++i) {
      if (trace[i].sequence == sequence) {
        ++steered[trace[i].edit];
      }
    }
    std::printf("\n%s\n  rows moved: mood %d, hedged %d\n",
                model.codec().decode(stories[static_cast<std::size_t>(sequence)]).c_str(), steered[0], steered[1]);
  }
  return example::exit_code();
}
