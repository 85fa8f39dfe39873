// Finds a direction in a GGUF model and steers the model with it, through an unmodified llama.cpp.
//
//     llama_cpp_steering MODEL.gguf
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "exit_code.hpp"
#include "steer/adapter/llama_cpp.hpp"
#include "steer/extract/mean_difference.hpp"
#include "steer/extract/recorder.hpp"

namespace {

/// Writes what is most likely to follow, sixteen tokens of it.
std::string go_on(steer::llama_cpp_host& host, const std::vector<std::int32_t>& prompt) {
  host.prompt(0, prompt);
  steer::token_batch batch;
  std::string text;
  for (std::size_t i = 0; i < 16; ++i) {
    const auto logits = host.logits(-1);
    const auto next = static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    text += steer::text_of(host.model(), next);
    batch.clear();
    batch.add(next, static_cast<llama_pos>(prompt.size() + i), 0, steer::token_batch::output::logits);
    host.decode(batch.view());
  }
  return text;
}

void run(llama_model* model) {
  // Wherever your program calls llama_init_from_model and llama_decode, it calls the host instead.
  steer::llama_cpp_host host(model, llama_context_default_params());

  steer::recorder recorder(host.shape(), {.layers = {12, 15, 18}});
  const std::vector<std::pair<const char*, const char*>> pairs{{"I am so happy today, what a joy!", "I am so sad today, what a grief!"},
                                                               {"They laughed and danced.", "They wept and mourned."},
                                                               {"A wonderful, sunny morning.", "A dreadful, gloomy morning."},
                                                               {"She smiled with delight.", "She sobbed with despair."}};
  for (const auto& [happy, sad] : pairs) {
    recorder.record(host, happy, sad);
  }
  const steer::steering_vector mood = steer::mean_difference(recorder, {.name = "mood"});

  for (const float strength : {-0.1F, 0.0F, 0.1F}) {
    const steer::plan plan(steer::recipe{}.add(mood, {.strength = strength}), host.shape());
    host.steer(plan);  // takes effect with the next batch
    std::printf("%+.1f  After the letter came, she felt%s\n", static_cast<double>(strength),
                go_on(host, host.tokenize("After the letter came, she felt")).c_str());
    host.clear_hook();
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fputs("usage: llama_cpp_steering MODEL.gguf\n", stderr);
    return 2;
  }
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  llama_backend_init();
  const std::unique_ptr<llama_model, void (*)(llama_model*)> model(
      llama_model_load_from_file(argv[1], llama_model_default_params()), llama_model_free);
  if (!model) {
    std::fprintf(stderr, "%s cannot be loaded\n", argv[1]);
    return 1;
  }
  run(model.get());
  return example::exit_code();
} catch (const std::exception& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
