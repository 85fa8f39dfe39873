#include "steer/core/model_shape.hpp"

#include <gtest/gtest.h>

#include "expect_error.hpp"
#include "toy.hpp"

namespace {

TEST(model_shape, knows_the_width_of_each_point) {
  steer::model_shape shape = toy::shape(3, 4);
  EXPECT_EQ(shape.width_at(steer::point::residual_out), 4);
  EXPECT_EQ(shape.width_at(steer::point::attention_heads), 8);
  shape.points = {steer::point::residual_out};
  EXPECT_EQ(shape.width_at(steer::point::attention_heads), 0);
}

TEST(model_shape, refuses_what_the_model_lacks_by_name) {
  steer::model_shape shape = toy::shape(3, 4);
  EXPECT_NO_THROW(shape.require({2, steer::point::mlp_out}, "x"));
  expect_error<steer::shape_error>([&] { shape.require({3, steer::point::mlp_out}, "add \"happy\""); }, "add \"happy\"",
                                   "layer 3", "\"toy\" has layers 0 to 2");
  expect_error<steer::shape_error>([&] { shape.require({-1, steer::point::mlp_out}, "x"); }, "layer -1");
  shape.points = {steer::point::residual_out};
  expect_error<steer::shape_error>([&] { shape.require({0, steer::point::mlp_out}, "x"); }, "does not show mlp_out");
  shape.facts = {};
  expect_error<steer::argument_error>([&] { shape.require(steer::row_fact::prompt_length, "x"); }, "prompt length",
                                      "\"toy\" does not supply");
}

TEST(point, names_round_trip) {
  for (const steer::point p : steer::all_points) {
    EXPECT_EQ(steer::point_from_string(steer::to_string(p)), p);
  }
  expect_error<steer::argument_error>([] { steer::point_from_string("residual"); }, "\"residual\" is unknown",
                                      "residual_out");
}

TEST(enum_set, holds_what_was_inserted) {
  steer::enum_set<steer::point> set{steer::point::residual_in};
  EXPECT_TRUE(set.contains(steer::point::residual_in));
  EXPECT_FALSE(set.contains(steer::point::residual_out));
  set.insert(steer::point::residual_out);
  EXPECT_TRUE(set.contains(steer::point::residual_out));
  EXPECT_FALSE(set.empty());
  EXPECT_TRUE(steer::enum_set<steer::point>{}.empty());
}

}  // namespace
