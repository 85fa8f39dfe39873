#include "steer/vector/plane.hpp"

#include <gtest/gtest.h>

#include <random>

#include "expect_error.hpp"
#include "toy.hpp"

namespace {

TEST(plane, through_two_directions_is_orthonormal_and_holds_both) {
  std::mt19937_64 engine(1);
  for (int i = 0; i < 50; ++i) {
    const steer::direction a = toy::random_direction(engine, 3);
    const steer::direction b = toy::random_direction(engine, 3);
    const steer::plane p = steer::plane_through(a, b);
    EXPECT_NO_THROW(check(p, "p"));
    EXPECT_LE((p.first - unit(a)).norm(), 1e-15);
    const Eigen::VectorXd u = unit(b);
    EXPECT_LE((p.first * p.first.dot(u) + p.second * p.second.dot(u) - u).norm(), 1e-12);
    EXPECT_GT(p.second.dot(u), 0.0) << "at an angle between 0 and a half turn";
  }
}

TEST(plane, refuses_what_spans_none) {
  std::mt19937_64 engine(1);
  const steer::direction a = toy::random_direction(engine, 4);
  steer::direction b = a;
  b.values *= -3.0F;
  expect_error<steer::numeric_error>([&] { steer::plane_through(a, b); }, "parallel", "cosine -1");
  expect_error<steer::shape_error>([&] { steer::plane_through(a, toy::random_direction(engine, 5)); },
                                   "widths 4 and 5");
  b.values.setZero();
  expect_error<steer::numeric_error>([&] { steer::plane_through(a, b); }, "second direction", "zero");
  steer::plane p = steer::plane_through(a, toy::random_direction(engine, 4));
  p.second *= 2.0;
  expect_error<steer::numeric_error>([&] { check(p, "mine"); }, "mine", "norms 1 and 2", "orthonormal");
  p.second.resize(0);
  expect_error<steer::shape_error>([&] { check(p, "mine"); }, "widths 4 and 0");
}

}  // namespace
