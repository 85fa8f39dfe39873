// Reads a concept off pairs of texts, and writes it into the model while it tells a story.

#include <array>
#include <cstdio>
#include <random>
#include <string>
#include <utility>

#include "exit_code.hpp"
#include "steer/steer.hpp"
#include "storybox/grammar.hpp"
#include "storybox/model.hpp"

// Each pair differs in nothing but the concept: first happy, then sad.
const std::array<std::pair<std::string, std::string>, 4> pairs{{
    {"She smiled at the ball. Anna danced around the tree.",
     "She cried over the ball. Anna sobbed behind the tree."},
    {"Anna skipped around the house. She laughed at the drum.",
     "Anna sulked behind the house. She sighed over the drum."},
    {"She laughed at the hat. She danced around the gate.",
     "She cried over the hat. She sulked behind the gate."},
    {"Anna smiled at the book. She skipped around the tent.",
     "Anna sighed over the book. She sobbed behind the tent."},
}};
const std::string opener = "Once upon a time there was a little girl named Anna. ";

int main() {
  storybox::text_model model(storybox::load_model(STEER_STORYBOX_WEIGHTS), storybox::codec{});

  // Function words stand on both sides alike, so what differs there is the mood, not the words.
  const steer::tokens_where shared{storybox::is_function_word, "function words"};
  steer::recorder recorder(model.shape(), {.tokens = shared});
  for (const auto& [happy, sad] : pairs) {
    recorder.record(model, opener + happy, opener + sad);
  }
  const steer::steering_vector mood = steer::mean_difference(recorder, {.name = "mood"});

  steer::recipe recipe;
  recipe.add(mood, {.strength = 0.4F}, {.layers = {2}});
  const steer::plan plan(recipe, model.shape());

  const reference::generation_options sampled{.max_tokens = 40, .sample = {.temperature = 1.0F}};
  const auto tell = [&](const auto& hook) {
    std::mt19937_64 engine(1);  // the same luck for both stories
    return model.generate("Once upon a time there was a little rabbit named Sam.", hook, sampled, engine);
  };
  std::printf("unsteered:\n%s\n\n", tell(steer::no_hook{}).c_str());
  std::printf("happier:\n%s\n", tell(plan).c_str());
  return example::exit_code();
}
