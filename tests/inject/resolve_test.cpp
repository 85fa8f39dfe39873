#include "steer/inject/resolve.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "steer/recipe/recipe.hpp"
#include "toy.hpp"

namespace {

using steer::point;
using steer::detail::term;

class resolver : public testing::Test {
 protected:
  steer::dense_map map() { return {toy::random_rows<float>(engine, 8, 8), Eigen::VectorXf::Ones(8)}; }

  std::mt19937_64 engine{1};
  steer::model_shape shape = toy::shape(3, 8);
};

TEST_F(resolver, has_the_numbers_of_one_site_at_a_time) {
  steer::recipe recipe;
  for (int layer = 0; layer < 3; ++layer) {
    recipe.transform(map(), {.layers = {layer}});
  }
  steer::detail::resolver resolve(shape, steer::model_check::any);
  for (const steer::edit& e : recipe.edits()) {
    resolve.resolve(e);
  }
  ASSERT_EQ(resolve.found().size(), 3U);
  for (const auto& [where, acts] : resolve.found()) {
    ASSERT_EQ(acts.size(), 1U);
    std::vector<term> here = resolve.terms_at(where);
    const std::weak_ptr<const steer::form> made = here.at(0).form;
    here.clear();
    EXPECT_TRUE(made.expired()) << to_string(where);
  }
}

TEST_F(resolver, makes_a_map_of_every_layer_once_and_keeps_it_until_the_last) {
  steer::recipe recipe;
  recipe.transform(map());
  steer::detail::resolver resolve(shape, steer::model_check::any);
  resolve.resolve(recipe.edits()[0]);
  std::vector<std::weak_ptr<const steer::form>> made;
  for (const auto& [where, acts] : resolve.found()) {
    made.push_back(resolve.terms_at(where).at(0).form);
    EXPECT_EQ(made.back().expired(), made.size() == 3) << to_string(where);
    EXPECT_TRUE(made.back().expired() || made.back().lock() == made.front().lock());
  }
  EXPECT_EQ(made.size(), 3U);
}

TEST_F(resolver, lists_the_reading_of_a_latched_gate_before_the_edit) {
  const steer::steering_vector v = toy::random_vector(engine, {0, 1, 2}, 8);
  const steer::gate gate{.conditions = {steer::above(v, 0.0F)}, .time = steer::gate_time::on_prompt, .layer = 1};
  steer::recipe recipe;
  recipe.ablate(v, {.layers = {1, 2}, .gate = gate});
  steer::detail::resolver resolve(shape, steer::model_check::any);
  resolve.resolve(recipe.edits()[0]);
  EXPECT_EQ(resolve.latches(), 1);
  const std::vector<term> here = resolve.terms_at({1, v.point});
  ASSERT_EQ(here.size(), 2U);
  EXPECT_TRUE(here[0].sets_latch);
  EXPECT_EQ(here[0].asked.rows(), 1);
  EXPECT_FALSE(here[1].sets_latch);
  EXPECT_EQ(here[1].asked.rows(), 0) << "what was decided is kept in the latch";
  EXPECT_EQ(here[1].latch, here[0].latch);
}

}  // namespace
