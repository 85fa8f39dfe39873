#include "steer/vector/frame.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "expect_error.hpp"
#include "toy.hpp"

namespace {

class frame_of_three : public testing::Test {
 protected:
  std::mt19937_64 engine{1};
  std::vector<steer::direction> made = {toy::random_direction(engine, 10), toy::random_direction(engine, 10),
                                        toy::random_direction(engine, 10)};
  [[nodiscard]] std::vector<const steer::direction*> directions() const { return {&made[0], &made[1], &made[2]}; }
};

TEST_F(frame_of_three, has_dual_rows_that_move_one_coordinate_each) {
  const steer::frame frame(directions(), "three");
  ASSERT_EQ(frame.size(), 3);
  const Eigen::MatrixXd dual = frame.inverse() * frame.directions();
  EXPECT_LE((dual * frame.directions().transpose() - Eigen::Matrix3d::Identity()).norm(), 1e-12);
  EXPECT_LE((frame.directions().rowwise().norm().array() - 1.0).abs().maxCoeff(), 1e-15);
  EXPECT_GE(frame.condition(), 1.0);
}

TEST_F(frame_of_three, refuses_dependent_directions_unless_told_how_to_treat_them) {
  made[2].values = -2.0F * made[0].values;
  expect_error<steer::numeric_error>([&] { steer::frame(directions(), "set"); },
                                     "set: the directions are nearly dependent", "directions 0 and 2 have cosine -1",
                                     "state a ridge");
  EXPECT_NO_THROW(steer::frame(directions(), "set", {.ridge = 1e-3}));
  made[2].values = made[0].values + made[1].values;  // no two are parallel
  expect_error<steer::numeric_error>([&] { steer::frame(directions(), "set"); }, "condition number", "at most 1e+06");
}

TEST_F(frame_of_three, refuses_what_is_no_direction) {
  expect_error<steer::shape_error>([&] { steer::frame({}, "none"); }, "none", "no directions");
  expect_error<steer::numeric_error>([&] { steer::frame(directions(), "f", {.ridge = -1.0}); }, "ridge is -1");
  expect_error<steer::numeric_error>(
      [&] { steer::frame(directions(), "f", {.ridge = std::numeric_limits<double>::infinity()}); }, "ridge is inf");
  made[1].values.setZero();
  expect_error<steer::numeric_error>([&] { steer::frame(directions(), "f"); }, "f, direction 1", "zero");
  made[1] = toy::random_direction(engine, 9);
  expect_error<steer::shape_error>([&] { steer::frame(directions(), "f"); }, "f, direction 1", "width 9", "has 10");
}

}  // namespace
