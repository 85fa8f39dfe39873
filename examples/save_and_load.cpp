// Keeps a steering vector in a file, and shows what stops it from reaching another model.

#include <cstdio>
#include <filesystem>
#include <random>

#include "exit_code.hpp"
#include "steer/io/steering_vector_file.hpp"
#include "steer/steer.hpp"
#include "storybox/generator.hpp"
#include "storybox/model.hpp"

int main() {
  storybox::text_model model(storybox::load_model(STEER_STORYBOX_WEIGHTS), storybox::codec{});
  steer::recorder recorder(model.shape(), {.tokens = steer::last_token{}});
  std::mt19937_64 engine(1);
  for (int i = 0; i < 4; ++i) {
    const auto [happy, sad] = storybox::contrast(engine, storybox::attribute::mood);
    recorder.record(model, storybox::tokens(happy), storybox::tokens(sad));
  }
  const steer::steering_vector mood =
      steer::mean_difference(recorder, {.name = "mood", .contrast = "happy - sad"});

  steer::save(mood, "mood.safetensors");
  const steer::steering_vector loaded = steer::load_steering_vector("mood.safetensors");
  std::printf("read back: %s\n", loaded == mood ? "equal" : "different");
  std::printf("%s, %s of the %s, %zu + %zu texts, model %s\n\n", loaded.source.contrast.c_str(),
              loaded.source.method.c_str(), loaded.source.tokens.c_str(), loaded.source.positives,
              loaded.source.negatives, loaded.source.model.c_str());
  std::filesystem::remove("mood.safetensors");

  const auto try_on = [&](const steer::model_shape& shape, steer::plan_options options = {}) {
    try {
      steer::recipe recipe;
      recipe.add(loaded, {.strength = 0.4F});
      const steer::plan plan(recipe, shape, options);
      std::printf("%s: fits\n", shape.name.c_str());
    } catch (const steer::error& problem) {
      std::printf("%s: refused\n  %s\n", shape.name.c_str(), problem.what());
    }
  };
  try_on(model.shape());

  steer::model_shape tuned = model.shape();
  tuned.name = "tuned";
  tuned.fingerprint = "0123456789abcdef";
  try_on(tuned);
  try_on(tuned, {.models = steer::model_check::any});  // on your word: a fine-tuned sibling

  steer::model_shape wide = tuned;
  wide.name = "wide";
  wide.width = 128;
  try_on(wide, {.models = steer::model_check::any});
  return example::exit_code();
}
