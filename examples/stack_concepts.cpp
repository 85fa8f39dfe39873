// Steers several concepts at once: one recipe, each edit with its own dose, unit, layers and rows.

#include <cstdio>
#include <random>
#include <span>
#include <string>

#include "exit_code.hpp"
#include "steer/steer.hpp"
#include "storybox/generator.hpp"
#include "storybox/model.hpp"

using storybox::attribute;

steer::steering_vector extract(storybox::text_model& model, attribute which) {
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
  storybox::text_model model(storybox::load_model(STEER_STORYBOX_WEIGHTS), storybox::codec{});

  // A strength without a unit is a share of the layer's mean row norm. Below 0 it is the opposite.
  steer::recipe recipe;
  recipe.add(extract(model, attribute::mood), {.strength = 0.4F}, {.layers = {2}});
  recipe.add(extract(model, attribute::hedged),
             {.strength = 0.2F, .unit = steer::strength_unit::of_row_norm},
             {.layers = {1, 2}});
  recipe.add(extract(model, attribute::dialogue),
             {.strength = -3.0F, .unit = steer::strength_unit::sigma},
             {.layers = {2}, .rows = {.phase = steer::phase::generation}});
  const steer::plan plan(recipe, model.shape());
  std::printf("%s\n", plan.explain().c_str());

  // How much likelier a sentence has become than one that differs in a single concept.
  const auto opener = model.tokenize("Once upon a time there was a little rabbit named Sam.");
  const auto shift = [&](const char* with, const char* without) {
    const auto log_p = [&](const char* sentence, const auto& hook) {
      const auto tokens = model.tokenize(sentence);  // the first is the begin of a text
      return model.log_probability(opener, std::span(tokens).subspan(1), hook);
    };
    return log_p(with, plan) - log_p(without, plan) - log_p(with, steer::no_hook{}) +
           log_p(without, steer::no_hook{});
  };
  const char* const plain = "He smiled at the hat.";
  std::puts("shift of the log-odds, in nats");
  std::printf("  happy    %+.2f\n", shift(plain, "He cried over the hat."));
  std::printf("  hedged   %+.2f\n", shift("Maybe he smiled at the hat.", plain));
  std::printf("  dialogue %+.2f\n", shift("He said, \"I smiled at the hat\".", plain));
  std::printf("  verbose  %+.2f  (nobody asked)\n", shift("He smiled at the old red hat once more.", plain));
  return example::exit_code();
}
