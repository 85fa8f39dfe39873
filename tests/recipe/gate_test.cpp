#include "steer/recipe/gate.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "expect_error.hpp"
#include "steer/recipe/norm_mode.hpp"
#include "steer/recipe/recipe.hpp"
#include "toy.hpp"

namespace {

TEST(condition, turns_what_it_reads_into_a_share) {
  const steer::steering_vector v;
  EXPECT_EQ(above(v, 0.5F).share_of(0.5), 0.0);
  EXPECT_EQ(above(v, 0.5F).share_of(0.6), 1.0);
  const steer::condition interval = within(v, -1.0F, 2.0F);
  EXPECT_EQ(interval.share_of(-1.0), 1.0);
  EXPECT_EQ(interval.share_of(2.0), 1.0);
  EXPECT_EQ(interval.share_of(2.1), 0.0);
  EXPECT_DOUBLE_EQ(sigmoid(v, 1.0F, 2.0F).share_of(1.0), 0.5);
  EXPECT_DOUBLE_EQ(sigmoid(v, 1.0F, 2.0F).share_of(2.0), 1.0 / (1.0 + std::exp(-2.0)));
  EXPECT_EQ(sigmoid(v, 0.0F, 1.0F).share_of(-1e6), 0.0);
  EXPECT_DOUBLE_EQ(excess(v, 0.25F).share_of(-0.75), 0.5);
  EXPECT_EQ(excess(v, 0.25F).share_of(0.2), 0.0);
  const steer::condition rising = ramp(v, 0.25F, 2.0F, 1.5F);
  EXPECT_EQ(rising.share_of(0.2), 0.0);
  EXPECT_DOUBLE_EQ(rising.share_of(0.75), 1.0);
  EXPECT_EQ(rising.share_of(9.0), 1.5);
  EXPECT_DOUBLE_EQ(ramp(v, 0.25F, 2.0F).share_of(10.25), 20.0);
  EXPECT_DOUBLE_EQ(ramp(v, 0.25F, -2.0F).share_of(-0.75), 2.0) << "or falling";
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(rising.share_of(nan), 0.0);
  EXPECT_EQ(above(v, 0.5F).share_of(nan), 0.0);
  EXPECT_EQ(interval.share_of(nan), 0.0);
  EXPECT_EQ(sigmoid(v, 0.5F, 1.0F).share_of(nan), 0.0);
  EXPECT_EQ(excess(v, 0.5F).share_of(nan), 0.0);
}

TEST(gate, combines_shares_and_multiplies_by_its_share) {
  const steer::steering_vector v;
  steer::gate gate{.share = 2.0F, .conditions = {sigmoid(v, 0.0F, 1.0F), above(v, 0.0F)}};
  const auto share = [&](double first, double second) {
    return gate.share_of([&](std::size_t i) { return i == 0 ? first : second; });
  };
  EXPECT_DOUBLE_EQ(share(0.0, 1.0), 1.0);
  EXPECT_DOUBLE_EQ(share(0.0, -1.0), 0.0);
  gate.combination = steer::combination::any;
  EXPECT_DOUBLE_EQ(share(0.0, -1.0), 1.0);
  EXPECT_DOUBLE_EQ(share(0.0, 1.0), 2.0);
  gate.combination = steer::combination::none;
  EXPECT_DOUBLE_EQ(share(0.0, -1.0), 1.0);
  EXPECT_DOUBLE_EQ(share(0.0, 1.0), 0.0);
  gate.conditions.clear();
  EXPECT_DOUBLE_EQ(share(0.0, 0.0), 2.0);
}

TEST(gate, refuses_numbers_without_meaning) {
  std::mt19937_64 engine(1);
  steer::steering_vector v = toy::random_vector(engine, {0}, 3);
  v.name = "v";
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto with = [&](steer::gate gate) { steer::recipe{}.ablate(v, {.gate = std::move(gate)}); };
  expect_error<steer::numeric_error>([&] { with({.share = nan}); }, "ablate \"v\"", "gate share is nan");
  expect_error<steer::numeric_error>([&] { with({.conditions = {above(v, nan)}}); }, "gate low is nan");
  expect_error<steer::numeric_error>([&] { with({.conditions = {sigmoid(v, 0.0F, nan)}}); }, "gate slope is nan");
  expect_error<steer::argument_error>([&] { with({.conditions = {within(v, 2.0F, 1.0F)}}); }, "opens from 2 to 1");
  const float infinity = std::numeric_limits<float>::infinity();
  expect_error<steer::numeric_error>([&] { with({.conditions = {sigmoid(v, infinity, 0.0F)}}); }, "gate low is inf",
                                     "finite");
  expect_error<steer::numeric_error>([&] { with({.conditions = {excess(v, -infinity)}}); }, "gate low is -inf",
                                     "finite");
  expect_error<steer::numeric_error>([&] { with({.conditions = {ramp(v, infinity, 1.0F)}}); }, "gate low is inf", "a ramp");
  expect_error<steer::argument_error>([&] { with({.conditions = {ramp(v, 0.0F, 1.0F, -1.0F)}}); }, "ramp ends at -1", "at least 0");
  expect_error<steer::argument_error>([&] { with({.time = steer::gate_time::on_prompt}); }, "no condition to latch");
  steer::steering_vector elsewhere = v;
  elsewhere.name = "w";
  elsewhere.point = steer::point::mlp_out;
  expect_error<steer::argument_error>([&] { with({.conditions = {above(elsewhere, 1.0F)}}); },
                                      "\"w\" belongs to mlp_out", "acts at residual_out");
}

TEST(norm_mode, bounds_the_length_relative_to_before) {
  EXPECT_EQ(steer::norm_mode{}.factor(1.0, 2.0), 1.0);
  EXPECT_EQ(steer::restore_norm.factor(1.0, 2.0), 0.5);
  EXPECT_EQ(steer::restore_norm.factor(2.0, 1.0), 2.0);
  EXPECT_EQ(steer::restore_norm_if_grown.factor(2.0, 1.0), 1.0);
  EXPECT_EQ(steer::restore_norm_if_grown.factor(1.0, 2.0), 0.5);
  EXPECT_EQ(steer::cap_norm(1.5F).factor(1.0, 2.0), 0.75);
  EXPECT_EQ(steer::cap_norm(1.5F).factor(1.0, 1.25), 1.0);
  EXPECT_EQ(steer::restore_norm.factor(1.0, 1e-9), 1.0) << "nothing is left to stretch";
  std::mt19937_64 engine(1);
  const steer::steering_vector v = toy::random_vector(engine, {0}, 3);
  expect_error<steer::numeric_error>([&] { steer::recipe{}.ablate(v, {.norm = steer::cap_norm(0.5F)}); },
                                     "norm ratio is 0.5", "at least 1");
}

}  // namespace
