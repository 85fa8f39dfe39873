// Removes a concept's direction from the activations, and measures what is left of it behind the plan.

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <random>
#include <span>
#include <string>

#include "exit_code.hpp"
#include "steer/steer.hpp"
#include "storybox/generator.hpp"
#include "storybox/model.hpp"

// A model with a plan that is always on. It is a host too, so a recorder can record it.
struct steered_model {
  storybox::text_model& model;
  const steer::plan& plan;

  const steer::model_shape& shape() const { return model.shape(); }
  void evaluate(std::span<const std::int32_t> tokens, steer::hook_ref<float> hook) {
    const steer::chain both(plan, hook);  // in this order: the hook sees what the plan leaves
    model.evaluate(tokens, both);
  }
};

template <steer::host Model>
steer::steering_vector extract_mood(Model& model) {
  const steer::tokens_where shared{storybox::is_function_word, "function words"};
  steer::recorder recorder(model.shape(), {.tokens = shared});
  std::mt19937_64 engine(1);
  for (int i = 0; i < 8; ++i) {
    const auto [happy, sad] = storybox::contrast(engine, storybox::attribute::mood);
    recorder.record(model, storybox::tokens(happy), storybox::tokens(sad));
  }
  return steer::mean_difference(recorder, {.name = "mood"});
}

int main() {
  storybox::text_model model(storybox::load_model(STEER_STORYBOX_WEIGHTS), storybox::codec{});
  const steer::steering_vector mood = extract_mood(model);

  steer::recipe recipe;
  recipe.ablate(mood);  // at every layer
  const steer::plan plan(recipe, model.shape());

  steered_model ablated{model, plan};
  const steer::steering_vector left = extract_mood(ablated);
  std::puts("happy minus sad, along the direction");
  for (const auto& [layer, direction] : mood.directions) {
    const Eigen::VectorXf u = direction.values.normalized();
    const double before = static_cast<double>(direction.values.norm());
    const double after = static_cast<double>(left.directions.at(layer).values.dot(u));
    std::printf("  layer %d: %.2f unsteered, %.2f ablated\n", layer, before, std::abs(after));
  }

  // A story goes on in the mood that it has, as long as the model can tell which one that is.
  const auto smiles = [&](const std::string& sentence, const auto& hook) {
    const std::string start = "Once upon a time there was a little rabbit named Lily. ";
    const auto story = model.tokenize(start + sentence + sentence + "Lily");
    const Eigen::VectorXf log_p = model.log_probabilities(story, hook);
    return 1.0F / (1.0F + std::exp(log_p[storybox::id("cried")] - log_p[storybox::id("smiled")]));
  };
  std::puts("\nprobability that Lily smiles rather than cries, after twice");
  for (const char* sentence : {"She danced around the tree. ", "She sulked behind the tree. "}) {
    const auto before = static_cast<double>(smiles(sentence, steer::no_hook{}));
    const auto behind = static_cast<double>(smiles(sentence, plan));
    std::printf("  %s%6.2f unsteered, %.2f ablated\n", sentence, before, behind);
  }
  return example::exit_code();
}
