// Off is bit-identical to never on, on the logits of a language model.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "steer/core/hook_ref.hpp"
#include "steer/inject/plan.hpp"
#include "storybox/generator.hpp"
#include "storybox/model.hpp"
#include "toy.hpp"

namespace {

class reversible : public testing::Test {
 protected:
  /// Logits after every token of a story.
  template <class Hook>
  reference::matrix logits(int sequence, const Hook& hook) {
    std::vector<reference::row> batch;
    for (const storybox::token t : tokens_) {
      batch.push_back({t, sequence, steer::phase::prompt, static_cast<storybox::token>(tokens_.size()),
                       reference::output::logits});
    }
    model_.clear(sequence);
    return model_.decode(batch, hook);
  }

  steer::plan plan_of(float strength, float amount) const {
    std::mt19937_64 engine(5);
    steer::recipe recipe;
    for (const steer::point p : steer::all_points) {
      steer::steering_vector v = toy::random_vector(engine, {0, 1, 2, 3}, model_.shape().width_at(p));
      v.point = p;
      recipe.add(v, {.strength = strength}).ablate(v, {.share = amount});
      recipe.add(v, {.strength = strength, .unit = steer::strength_unit::of_row_norm});
    }
    return {recipe, model_.shape()};
  }

  std::mt19937_64 engine_{77};
  std::vector<storybox::token> tokens_ = storybox::tokens(storybox::generate(engine_));
  reference::decoder model_{storybox::load_model(STEER_STORYBOX_WEIGHTS), {.sequences = 2}};
};

TEST_F(reversible, an_empty_plan_and_strength_zero_leave_the_same_bits_as_no_hook) {
  const reference::matrix unsteered = logits(0, steer::no_hook{});
  EXPECT_EQ(logits(0, steer::plan{}), unsteered);
  EXPECT_EQ(logits(0, steer::plan{steer::recipe{}, model_.shape()}), unsteered);
  EXPECT_EQ(logits(0, plan_of(0.0F, 0.0F)), unsteered);
  const steer::plan zero = plan_of(-0.0F, -0.0F);
  EXPECT_EQ(logits(0, steer::hook_ref<float>(zero)), unsteered);
}

TEST_F(reversible, a_plan_that_is_removed_leaves_no_trace) {
  const reference::matrix unsteered = logits(0, steer::no_hook{});
  const reference::matrix steered = logits(0, plan_of(0.1F, 0.5F));
  EXPECT_FALSE(steered.isApprox(unsteered, 1e-3F)) << "the plan does something";
  EXPECT_EQ(logits(0, steer::no_hook{}), unsteered) << "the same sequence, its cache made anew";
  EXPECT_EQ(logits(1, steer::no_hook{}), unsteered) << "a sequence beside the steered one";
}

}  // namespace
