#include "steer/vector/subspace.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "expect_error.hpp"

namespace {

TEST(subspace, gives_its_directions_and_its_removal) {
  steer::subspace plane;
  plane.basis.resize(2, 3);
  plane.basis << 0.6, 0.8, 0.0, 0.0, 0.0, 1.0;
  check(plane, "plane");
  ASSERT_EQ(plane.directions().size(), 2U);
  EXPECT_EQ(plane.directions()[0].values, Eigen::Vector3f(0.6F, 0.8F, 0.0F));
  const steer::low_rank_map map = plane.removal();
  const Eigen::Vector3f h(3.0F, 4.0F, 5.0F);
  EXPECT_LE((h + map.write.transpose() * (map.read * h + map.shift)).norm(), 1e-6F) << "h lies in the plane";
}

TEST(subspace, refuses_by_message) {
  steer::subspace s;
  expect_error<steer::shape_error>([&] { check(s, "it"); }, "it: the basis is [0, 0]");
  s.basis = steer::matrix<double>::Constant(1, 1, 2.0);
  expect_error<steer::numeric_error>([&] { check(s, "it"); }, "it", "off by 3", "orthonormal");
  s.basis = steer::matrix<double>::Constant(1, 1, std::nan(""));
  expect_error<steer::numeric_error>([&] { check(s, "it"); }, "holds NaN");
}

}  // namespace
