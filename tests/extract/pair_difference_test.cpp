#include "steer/extract/pair_difference.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "expect_error.hpp"
#include "steer/compose/apply_edit.hpp"
#include "steer/recipe/recipe.hpp"

namespace {

using steer::matrix;

TEST(pair_difference, is_taken_position_by_position_and_added_there) {
  matrix<float> loving(3, 2);
  loving << 9, 9, 1, 2, 3, 4;
  matrix<float> hating(3, 2);
  hating << 9, 9, 0, 0, 3, 5;
  const auto found = steer::pair_difference(loving, hating);
  ASSERT_EQ(found.size(), 2U) << "both begin alike";
  EXPECT_EQ(found.at(1).values, Eigen::Vector2f(1, 2));
  EXPECT_EQ(found.at(2).values, Eigen::Vector2f(0, -1));
  steer::recipe recipe;
  for (const auto& [t, v] : found) {
    recipe.add({.directions = {{6, v}}},
               {.strength = 5, .unit = steer::strength_unit::raw}, {.rows = {.positions = {t}}});
  }
  ASSERT_EQ(recipe.edits().size(), 2U);
  Eigen::VectorXd h = Eigen::Vector2d::Zero();
  steer::detail::apply_edit(recipe.edits()[0].operation, 6, 0.0, h);
  EXPECT_LE((h - Eigen::Vector2d(5, 10)).norm(), 1e-12);
  EXPECT_EQ(recipe.edits()[0].where.rows.positions, std::vector<std::int32_t>{1});
}

TEST(pair_difference, refuses_by_message) {
  const matrix<float> three = matrix<float>::Ones(3, 2);
  expect_error<steer::shape_error>([&] { steer::pair_difference(three, three.topRows(2)); }, "3 and 2 tokens", "pad");
  expect_error<steer::shape_error>([&] { steer::pair_difference(three, three.leftCols(1)); }, "width 2", "width 1");
  expect_error<steer::numeric_error>([&] { steer::pair_difference(three, three); }, "the same at all 3 positions");
  expect_error<steer::numeric_error>([&] { steer::pair_difference(three, matrix<float>(0, 2)); }, "has 0 samples");
}

}  // namespace
