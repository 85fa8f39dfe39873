#include "steer/vector/affine_map.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "expect_error.hpp"

namespace {

TEST(affine_map, refuses_parts_that_do_not_fit) {
  using steer::affine_map;
  const auto refuse = [](const affine_map& map, const auto&... parts) {
    expect_error<steer::shape_error>([&] { check(map, "map"); }, parts...);
  };
  const steer::matrix<float> two_by_three = steer::matrix<float>::Ones(2, 3);
  refuse(steer::diagonal_map{Eigen::VectorXf::Ones(3), Eigen::VectorXf::Ones(2)}, "the shift is [2, 1]",
         "expected [3, 1]");
  refuse(steer::diagonal_map{}, "not empty");
  refuse(steer::dense_map{two_by_three, Eigen::VectorXf::Ones(3)}, "the matrix is [2, 3]", "expected [3, 3]");
  refuse(steer::low_rank_map{two_by_three, steer::matrix<float>::Ones(2, 4), Eigen::VectorXf::Ones(2)},
         "the writing matrix is [2, 4]", "expected [2, 3]");
  refuse(steer::low_rank_map{two_by_three, two_by_three, Eigen::VectorXf::Ones(3)}, "the shift is [3, 1]");
  expect_error<steer::numeric_error>(
      [] {
        check(affine_map(steer::diagonal_map{Eigen::VectorXf::Constant(3, std::numeric_limits<float>::quiet_NaN()),
                                             Eigen::VectorXf::Ones(3)}),
              "map");
      },
      "the scale holds NaN");
  expect_error<steer::shape_error>(
      [&] { steer::loreft_map(two_by_three, steer::matrix<float>::Ones(2, 4), Eigen::VectorXf::Ones(2)); },
      "R is [2, 3]", "W is [2, 4]");
}

TEST(affine_map, compares_by_value) {
  const steer::affine_map a = steer::diagonal_map{Eigen::VectorXf::Ones(3), Eigen::VectorXf::Zero(3)};
  steer::affine_map b = a;
  EXPECT_TRUE(a == b);
  std::get<steer::diagonal_map>(b).shift[1] = 1.0F;
  EXPECT_FALSE(a == b);
  EXPECT_FALSE(a == steer::affine_map(steer::dense_map{}));
}

}  // namespace
