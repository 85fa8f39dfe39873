#include "steer/extract/mean_centring.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <variant>

#include "expect_error.hpp"
#include "steer/compose/apply_edit.hpp"
#include "steer/extract/mean_difference.hpp"
#include "steer/recipe/recipe.hpp"
#include "toy.hpp"

namespace {

using steer::matrix;

TEST(mean_centred, is_the_difference_from_the_streamed_corpus) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const matrix<float> target = toy::random_rows<float>(engine, 5, 7);
    const matrix<float> corpus = toy::random_rows<float>(engine, 50, 7).array() + 10.0F;
    steer::moments seen(7, steer::second_moments::variances);
    seen.update(corpus.topRows(13));
    seen.update(corpus.bottomRows(37));
    EXPECT_LE((steer::mean_centred(target, seen) - steer::mean_difference(target, corpus)).norm(), 1e-12);
  }
}

TEST(mean_centred, is_added_in_one_line) {
  steer::moments corpus(2);
  corpus.update(matrix<float>::Zero(3, 2));
  const matrix<float> target = matrix<float>::Constant(2, 2, 3.0F);
  steer::recipe recipe;
  const steer::direction v{.values = steer::mean_centred(target, corpus).cast<float>()};
  recipe.add({.directions = {{4, v}}}, {.strength = 2.0F});
  const auto& added = std::get<steer::add_edit>(recipe.edits()[0].operation);
  Eigen::VectorXd h = Eigen::VectorXd::Ones(2);
  steer::detail::apply_edit(added, 4, h.norm(), h);
  EXPECT_LE((h - Eigen::Vector2d(7.0, 7.0)).norm(), 1e-6);
}

TEST(mean_centred, refuses_by_message) {
  const matrix<float> target = matrix<float>::Ones(2, 3);
  steer::moments same(3);
  expect_error<steer::numeric_error>([&] { steer::mean_centred(target, same); }, "has seen 0");
  same.update(target);
  expect_error<steer::numeric_error>([&] { steer::mean_centred(target, same); }, "the same mean");
  expect_error<steer::shape_error>([&] { steer::mean_centred(target, steer::moments(4)); }, "width 3, the corpus 4");
  expect_error<steer::numeric_error>([&] { steer::mean_centred(matrix<float>(0, 3), same); }, "has 0 samples");
}

}  // namespace
