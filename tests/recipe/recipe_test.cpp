#include "steer/recipe/recipe.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "expect_error.hpp"
#include "toy.hpp"

namespace {

class recipe : public testing::Test {
 protected:
  std::mt19937_64 engine{2};
  steer::steering_vector happy = toy::random_vector(engine, {0, 2}, 4);
  steer::steering_vector terse = toy::random_vector(engine, {1}, 4);
};

TEST_F(recipe, keeps_the_order_and_the_options) {
  steer::recipe made;
  made.add(happy, {.strength = 0.2F, .unit = steer::strength_unit::of_row_norm, .layers = {2}})
      .ablate(terse, {.rows = {.phase = steer::phase::generation}})
      .scale(happy, {.amount = 2.0F});
  ASSERT_EQ(made.edits().size(), 3U);
  const auto& first = std::get<steer::add_edit>(made.edits()[0].operation);
  EXPECT_EQ(first.strength, 0.2F);
  EXPECT_EQ(first.unit, steer::strength_unit::of_row_norm);
  EXPECT_EQ(made.edits()[0].layers, std::vector<int>{2});
  EXPECT_EQ(std::get<steer::scale_edit>(made.edits()[1].operation).amount, 1.0F);
  EXPECT_EQ(std::get<steer::scale_edit>(made.edits()[1].operation).vector, terse);
  EXPECT_EQ(made.edits()[1].rows.phase, steer::phase::generation);
  EXPECT_EQ(std::get<steer::scale_edit>(made.edits()[2].operation).amount, 2.0F);
}

TEST_F(recipe, owns_its_vectors) {
  steer::recipe made;
  made.add(happy);
  const steer::steering_vector before = happy;
  happy.directions.clear();
  EXPECT_EQ(std::get<steer::add_edit>(made.edits()[0].operation).vector, before);
}

TEST_F(recipe, refuses_meaningless_numbers_and_stays_as_it_was) {
  steer::recipe made;
  made.add(happy);
  const steer::recipe before = made;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  happy.name = "happy";
  expect_error<steer::numeric_error>([&] { made.add(happy, {.strength = nan}); }, "add \"happy\"", "strength is nan");
  expect_error<steer::numeric_error>([&] { made.add(happy, {.cap = 0.0F}); }, "cap is 0");
  expect_error<steer::numeric_error>([&] { made.add(happy, {.cap = nan}); }, "cap is nan");
  expect_error<steer::numeric_error>([&] { made.scale(happy, {.amount = nan}); }, "scale \"happy\"", "amount is nan");
  expect_error<steer::argument_error>([&] { made.ablate(happy, {.rows = {.first = 5, .last = 4}}); }, "positions 5 to 4");
  expect_error<steer::argument_error>([&] { made.ablate(happy, {.rows = {.first = -1}}); }, "positions -1");
  happy.directions[2].values.setZero();
  expect_error<steer::numeric_error>([&] { made.ablate(happy); }, "\"happy\", layer 2", "zero");
  EXPECT_EQ(made, before);
}

TEST(schedule, contains_by_phase_and_position) {
  const steer::row_info prompt{.token = 0, .position = 3, .sequence = 0, .prompt_length = 5};
  const steer::row_info generated{.token = 0, .position = 5, .sequence = 0, .prompt_length = 5,
                                  .phase = steer::phase::generation};
  EXPECT_TRUE(steer::schedule{}.contains(prompt));
  EXPECT_TRUE(steer::schedule{}.everything());
  const steer::schedule generation{.phase = steer::phase::generation};
  EXPECT_FALSE(generation.contains(prompt));
  EXPECT_TRUE(generation.contains(generated));
  const steer::schedule span{.first = 3, .last = 4};
  EXPECT_TRUE(span.contains(prompt));
  EXPECT_FALSE(span.contains(generated));
}

}  // namespace
