#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "allocations.hpp"
#include "steer/core/chain.hpp"
#include "steer/core/hook_ref.hpp"
#include "steer/inject/plan.hpp"
#include "toy.hpp"

namespace {

TEST(plan, allocates_nothing_when_called) {
  STEER_NEED_ALLOCATION_COUNTS();
  std::mt19937_64 engine(1);
  const steer::steering_vector v = toy::random_vector(engine, {0, 1}, 300);
  steer::recipe recipe;
  recipe.add(v, {.strength = 0.1F})
      .ablate(v, {.layers = {1}})
      .add(v, {.strength = 0.1F, .unit = steer::strength_unit::of_row_norm, .rows = {.first = 2}})
      .scale(v, {.amount = 2.0F, .rows = {.phase = steer::phase::generation}});
  const steer::plan plan(recipe, toy::shape(2, 300));
  const steer::plan empty;
  const steer::chain both(empty, plan);
  const steer::hook_ref<float> erased(both);
  steer::matrix<float> activations = toy::random_rows<float>(engine, 64, 300);
  std::vector<steer::row_info> info(64);
  for (int i = 0; i < 64; ++i) {
    info[static_cast<std::size_t>(i)] = {.position = i, .prompt_length = 32,
                                         .phase = i < 32 ? steer::phase::prompt : steer::phase::generation};
  }
  const steer::matrix<float> before = activations;
  const auto run = [&](const auto& hook) {
    for (const int layer : {0, 1}) {
      for (const steer::point p : steer::all_points) {
        if (hook.access({layer, p}) != steer::access::none) {
          hook({layer, p}, toy::view(activations, info));
        }
      }
    }
  };
  EXPECT_EQ(steer_test::allocations_of([&] { run(plan); }), 0U);
  EXPECT_EQ(steer_test::allocations_of([&] { run(erased); }), 0U);
  EXPECT_FALSE(activations.isApprox(before)) << "the plan has done something";
}

}  // namespace
