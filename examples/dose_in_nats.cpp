// Asks for an effect instead of a strength: measures what each vector does to each concept, and inverts it.

#include <cstddef>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "exit_code.hpp"
#include "steer/steer.hpp"
#include "storybox/generator.hpp"
#include "storybox/model.hpp"
#include "storybox/readouts.hpp"

using storybox::attribute;

steer::steering_vector extract(storybox::text_model& model, attribute which) {
  const steer::tokens_where shared{storybox::is_function_word, "function words"};
  steer::recorder recorder(model.shape(), {.tokens = shared});
  std::mt19937_64 engine(1);
  for (int i = 0; i < 24; ++i) {
    const auto [with, without] = storybox::contrast(engine, which);
    recorder.record(model, storybox::tokens(with), storybox::tokens(without));
  }
  return steer::mean_difference(recorder, {.name = std::string(storybox::name(which))});
}

std::vector<steer::token_text> stories(std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::vector<steer::token_text> out;
  for (int i = 0; i < 32; ++i) {
    out.push_back(storybox::tokens(storybox::generate(engine)));
  }
  return out;
}

int main() {
  storybox::text_model model(storybox::load_model(STEER_STORYBOX_WEIGHTS), storybox::codec{}, {.sequences = 4, .max_rows = 512});
  std::vector<steer::steering_vector> vectors;
  std::vector<steer::readout> readouts;  // of each concept: log-odds of its words, where a story decides
  std::vector<steer::readout> unseen;    // the same on other stories
  const auto known = stories(2);
  const auto others = stories(3);
  for (const attribute a : storybox::attributes) {
    vectors.push_back(extract(model, a));
    readouts.push_back(steer::token_set_readout(storybox::decision(a), known));
    unseen.push_back(steer::token_set_readout(storybox::decision(a), others));
  }
  const steer::response response = steer::measure_response(model, vectors, readouts, {.dose_unit = {.layers = {2}}, .step = 0.2});
  std::puts("nats per unit of dose");
  for (Eigen::Index i = 0; i < 4; ++i) {
    std::printf("  %-9s", response.readouts[static_cast<std::size_t>(i)].c_str());
    for (Eigen::Index j = 0; j < 4; ++j) {
      std::printf("%7.1f", response.slope(i, j));
    }
    std::puts("");
  }

  // Verbose by 1.5 nats, and nothing else. The plain vector would take dialogue along.
  const steer::dosed wordy = steer::dose(vectors, response, {0.0, 1.5, 0.0, 0.0});
  const steer::plan decoupled(wordy.recipe, model.shape());
  const steer::plan plain(steer::recipe_of(vectors, {0.0, 1.5 / response.slope(1, 1), 0.0, 0.0}, response.dose_unit), model.shape());
  const auto before = steer::take_readings(model, unseen);
  const auto after = steer::take_readings(model, unseen, decoupled);
  const auto naive = steer::take_readings(model, unseen, plain);
  std::puts("shift in nats on other stories\n             plain   decoupled   expected");
  for (std::size_t i = 0; i < 4; ++i) {
    std::printf("  %-9s%+7.1f%+12.1f%+11.1f +-%.1f\n", unseen[i].name.c_str(), steer::shift_of(before[i], naive[i]).value,
                steer::shift_of(before[i], after[i]).value, wordy.expected[i].value,
                wordy.expected[i].error);
  }

  // As vectors, each of which moves its own concept alone.
  const std::vector<steer::steering_vector> apart = steer::decouple(vectors, response);
  std::printf("decoupled vectors: %zu, named after %s\n", apart.size(), apart[1].source.method.c_str());
  return example::exit_code();
}
