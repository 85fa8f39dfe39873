#include "steer/recipe/recipe_of.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "expect_error.hpp"
#include "steer/recipe/recipe.hpp"
#include "toy.hpp"

namespace {

TEST(recipe_of, gives_each_recipe_its_dose_in_order) {
  std::mt19937_64 engine(4);
  std::vector<steer::recipe> recipes(3);
  for (steer::recipe& each : recipes) {
    each.add(toy::random_vector(engine, {0, 1}, 4), {.strength = 0.5F});
  }
  recipes[1].transform(steer::low_rank_map{.read = toy::random_rows<float>(engine, 2, 4), .write = toy::random_rows<float>(engine, 2, 4),
                                           .shift = Eigen::VectorXf::Ones(2)},
                       {.layers = {1}});
  const steer::recipe found = steer::recipe_of(recipes, {2.0, 0.5, 0.0});
  steer::recipe expected;
  for (const steer::recipe& part : {steer::with_dose(recipes[0], 2.0F), steer::with_dose(recipes[1], 0.5F)}) {
    for (const steer::edit& each : part.edits()) {
      expected.append(each);
    }
  }
  EXPECT_EQ(found, expected);
  EXPECT_EQ(found.edits().size(), 3U);
  EXPECT_EQ(steer::recipe_of(recipes, {1.0, 0.0, 0.0}), recipes[0]);
  expect_error<steer::argument_error>([&] { steer::recipe_of(recipes, {1.0}); }, "1 doses for 3 recipes");
}

}  // namespace
