// Swaps presets and rolls back while a story is told: each was checked when it was loaded, so a swap compiles and decides nothing.

#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "exit_code.hpp"
#include "steer/guard/policy.hpp"
#include "steer/io/preset_file.hpp"
#include "steer/serve/preset_library.hpp"
#include "steer/steer.hpp"
#include "storybox/generator.hpp"
#include "storybox/model.hpp"

// What a forward pass follows. Look at what is active between two passes, never within one.
struct voice {
  std::shared_ptr<const steer::steering> now;

  steer::access access(steer::site where) const noexcept { return now->plan.access(where); }
  void operator()(steer::site where, steer::rows<float> h) const noexcept { now->plan(where, h); }
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

  // Three presets in a folder, of which one is too much.
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / steer::text({"voices_", std::random_device{}()});
  std::filesystem::create_directory(folder);
  const auto write = [&](const char* name, float strength) {
    steer::preset made{.name = name};
    made.content.recipe.add(mood, {.strength = strength}, {.layers = {2}});
    save(made, folder / (made.name + ".safetensors"));
  };
  write("happy", 0.6F);
  write("sad", -0.6F);
  write("shrill", 4.0F);

  steer::policy rules{.name = "voices", .fingerprints = {{model.shape().fingerprint}}, .most_layer_dose = 1.0};
  rules.row_norms[{2, steer::point::residual_out}] = *mood.directions.at(2).row_norm;
  steer::preset_library presets(rules, model.shape());
  for (const steer::loaded_preset& each : presets.load(folder, "operator")) {
    std::printf("%s\n", each.accepted ? each.accepted->reference.c_str() : each.refused.c_str());
  }
  std::filesystem::remove_all(folder);

  voice hook{presets.active()};
  int ended = 0;  // sentences
  std::vector<std::int32_t> sentence;
  const auto on_token = [&](std::int32_t, std::int32_t token) {
    sentence.push_back(token);
    if (token == storybox::full_stop) {
      std::printf("%8s  %s\n", hook.now->base.c_str(), model.codec().decode(sentence).c_str());
      sentence.clear();
      switch (++ended) {
        case 1: presets.activate("sad", "operator"); break;
        case 3: presets.activate("happy", "operator"); break;
        case 5: presets.roll_back("operator"); break;
        default: break;
      }
      hook.now = presets.active();
    }
  };
  const std::vector prompt = model.tokenize("Once upon a time there was a little boy named Ben.");
  std::mt19937_64 luck(2);
  reference::generate(model.decoder(), std::array{prompt}, {.sample = {.temperature = 1.0F}}, luck, hook, on_token);
  return example::exit_code();
}
