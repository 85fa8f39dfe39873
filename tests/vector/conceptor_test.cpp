#include "steer/vector/conceptor.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "expect_error.hpp"

namespace {

TEST(conceptor, is_a_dense_map_without_shift) {
  const steer::conceptor soft{Eigen::MatrixXd{{0.5, 0.25}, {0.25, 1.0}}};
  const steer::dense_map map = soft.map();
  EXPECT_EQ(map.linear, (steer::matrix<float>{{0.5F, 0.25F}, {0.25F, 1.0F}}));
  EXPECT_EQ(map.shift, Eigen::VectorXf(Eigen::VectorXf::Zero(2)));
}

TEST(conceptor, refuses_by_message) {
  const auto refuse = [](const Eigen::MatrixXd& c, const auto&... parts) {
    expect_error<steer::numeric_error>([&] { check(steer::conceptor{c}, "it"); }, parts...);
  };
  expect_error<steer::shape_error>([] { check(steer::conceptor{Eigen::MatrixXd(2, 3)}, "it"); }, "it", "[2, 3]",
                                   "square");
  expect_error<steer::shape_error>([] { check(steer::conceptor{}, "it"); }, "[0, 0]");
  refuse(2.0 * Eigen::MatrixXd::Identity(2, 2), "it", "from 2 to 2", "0 to 1");
  refuse(-Eigen::MatrixXd::Identity(2, 2), "from -1 to -1");
  refuse(Eigen::MatrixXd::Constant(2, 2, std::nan("")), "NaN");
  Eigen::MatrixXd skew = Eigen::MatrixXd::Zero(2, 2);
  skew(0, 1) = 0.5;
  refuse(skew, "asymmetric by 0.5");
}

}  // namespace
