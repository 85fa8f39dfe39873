#include "steer/vector/steering_vector.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "expect_error.hpp"
#include "toy.hpp"

namespace {

class steering_vector : public testing::Test {
 protected:
  std::mt19937_64 engine{1};
  steer::steering_vector happy = toy::random_vector(engine, {0, 2}, 4);
};

TEST_F(steering_vector, passes_when_sound) {
  happy.directions[0].origin = Eigen::VectorXf::Ones(4);
  EXPECT_NO_THROW(check(happy));
  EXPECT_EQ(happy.width(), 4);
  EXPECT_NEAR(unit(happy.directions[0]).norm(), 1.0, 1e-15);
}

TEST_F(steering_vector, refuses_each_fault_by_name) {
  happy.name = "happy";
  const auto expect = [&](auto break_it, const auto&... parts) {
    steer::steering_vector broken = happy;
    break_it(broken);
    expect_error<steer::error>([&] { check(broken); }, "\"happy\"", parts...);
  };
  expect([](auto& v) { v.directions.clear(); }, "has no directions");
  expect([](auto& v) { v.directions[-1] = v.directions[0]; }, "layer -1", "zero-based");
  expect([](auto& v) { v.directions[2].values = Eigen::VectorXf::Ones(5); }, "layer 2", "has width 5", "layer 0 has 4");
  expect([](auto& v) { v.directions[2].values.setZero(); }, "layer 2", "is zero");
  expect([](auto& v) { v.directions[2].values[3] = std::numeric_limits<float>::quiet_NaN(); }, "layer 2", "element 3 is nan");
  expect([](auto& v) { v.directions[2].values.resize(0); }, "layer 2", "empty");
  expect([](auto& v) { v.directions[0].row_norm = 0.0; }, "layer 0", "mean row norm is 0");
  expect([](auto& v) { v.directions[0].spread = -1.0; }, "layer 0", "spread is -1");
  expect([](auto& v) { v.point = static_cast<steer::point>(5); }, "point is 5", "expected 0 to 4");
  expect([](auto& v) { v.directions[0].origin = Eigen::VectorXf::Ones(3); }, "origin has width 3", "expected 4");
}

TEST_F(steering_vector, with_tiny_numbers_is_a_direction) {
  happy.directions[0].values.setConstant(1e-30F);  // its squared norm underflows in float
  EXPECT_NO_THROW(check(happy));
  EXPECT_NEAR(unit(happy.directions[0]).norm(), 1.0, 1e-6);
}

TEST_F(steering_vector, errors_have_the_layer_in_a_field) {
  steer::steering_vector v;
  v.name = "mood: happy";
  v.directions[3].values = Eigen::Vector2f(1.0F, 2.0F);
  v.directions[5].values = Eigen::Vector2f(1.0F, std::nanf(""));
  expect_fields<steer::numeric_error>(
      [&] { check(v); },
      {.what = "steering vector \"mood: happy\"", .layer = 5, .expected = "a finite number", .actual = "nan"});
  v.directions[5].values = Eigen::Vector3f(1.0F, 2.0F, 3.0F);
  expect_fields<steer::shape_error>(
      [&] { check(v); }, {.what = "steering vector \"mood: happy\"", .layer = 5, .expected = "2", .actual = "3"});
}

}  // namespace
