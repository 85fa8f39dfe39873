// storybox_loss: how far the shipped model is above the least possible loss.
//
//     storybox_loss --stories 2000 --seed 7
//
// Fails where that is more than 1 %.
#include <cstdint>
#include <cstdio>
#include <exception>
#include <random>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "exit_code.hpp"
#include "storybox/generator.hpp"
#include "storybox/model.hpp"

int main(int argc, char** argv) try {
  std::uint64_t count = 1000;
  std::uint64_t seed = 2026;
  std::string path = STEER_STORYBOX_WEIGHTS;
  CLI::App app{"Compares the loss of the storybox model on fresh stories with the exact floor"};
  app.add_option("--stories", count, "number of stories")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  app.add_option("--seed", seed, "seed of the generator, other than that of the training corpus")->capture_default_str();
  app.add_option("--weights", path, "the model")->check(CLI::ExistingFile);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return example::exit_code(app.exit(problem));
  }

  std::mt19937_64 engine{seed};
  std::vector<storybox::story> stories;
  for (std::uint64_t i = 0; i < count; ++i) {
    stories.push_back(storybox::generate(engine));
  }
  reference::decoder model(storybox::load_model(path), {.sequences = 16, .max_rows = 1024});
  const double floor = storybox::corpus_floor(stories).per_token();
  const double actual = storybox::model_loss(model, stories).per_token();
  const double above = actual / floor - 1.0;
  std::printf("stories          %llu\n", static_cast<unsigned long long>(count));
  std::printf("floor            %.6f nats per token, of the ideal predictor\n", floor);
  std::printf("model            %.6f nats per token\n", actual);
  std::printf("above the floor  %.2f %%\n", 100.0 * above);
  return example::exit_code(above <= 0.01 ? 0 : 1);
} catch (const std::exception& error) {
  std::fprintf(stderr, "storybox_loss: %s\n", error.what());
  return 1;
}
