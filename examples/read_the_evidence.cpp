// Tells a good vector from a bad one before it steers anything: by the evidence that comes with it.
//
//   AUROC, d'    how well unseen texts separate: 1 and several are good, 0.5 and 0 are chance
//   split-half   cosine of the directions of two halves of the texts: 1 is good
//   coherence    mean cosine of the single pairs' differences with the direction: 1 is good
//   norm ratio   the direction's length as a share of an activation's

#include <array>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <random>
#include <utility>

#include "exit_code.hpp"
#include "steer/steer.hpp"
#include "storybox/generator.hpp"
#include "storybox/model.hpp"

enum class labels { right, shuffled };

steer::steering_vector extract(storybox::text_model& model, int pairs, labels given) {
  const steer::tokens_where shared{storybox::is_function_word, "function words"};
  steer::recorder recorder(model.shape(), {.tokens = shared});
  std::mt19937_64 engine(1);
  for (int i = 0; i < pairs; ++i) {
    auto [happy, sad] = storybox::contrast(engine, storybox::attribute::mood);
    if (given == labels::shuffled && i / 2 % 2 == 0) {
      std::swap(happy, sad);  // two pairs this way round, two that way
    }
    recorder.record(model, storybox::tokens(happy), storybox::tokens(sad));
  }
  return steer::mean_difference(recorder, {.name = "mood"});
}

void print(const char* title, const steer::steering_vector& vector) {
  std::printf("%s\nlayer   AUROC      d'  split-half  coherence  norm ratio\n", title);
  for (const auto& [layer, direction] : vector.directions) {
    std::printf("%-5d", layer);
    const steer::evidence& e = direction.evidence;
    const std::array entries{e.auroc, e.d_prime, e.split_half_cosine, e.coherence, e.norm_ratio};
    const std::array widths{8, 8, 12, 11, 12};
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (entries[i]) {
        std::printf("%*.2f", widths[i], *entries[i]);
      } else {
        std::printf("%*s", widths[i], "-");  // too few texts to measure it
      }
    }
    std::puts("");
  }
}

int main() {
  storybox::text_model model(storybox::load_model(STEER_STORYBOX_WEIGHTS), storybox::codec{});
  print("16 pairs, happy - sad", extract(model, 16, labels::right));
  print("\n16 pairs, half of them the wrong way round", extract(model, 16, labels::shuffled));
  print("\n3 pairs, happy - sad", extract(model, 3, labels::right));
  return example::exit_code();
}
