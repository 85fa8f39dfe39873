#include "steer/vector/conceptor.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <random>
#include <string>

#include "expect_error.hpp"
#include "toy.hpp"

namespace {

TEST(conceptor, is_a_dense_map_without_shift) {
  const steer::conceptor soft{Eigen::MatrixXd{{0.5, 0.25}, {0.25, 1.0}}};
  const steer::dense_map map = soft.map();
  EXPECT_EQ(map.linear, (steer::matrix<float>{{0.5F, 0.25F}, {0.25F, 1.0F}}));
  EXPECT_EQ(map.shift, Eigen::VectorXf(Eigen::VectorXf::Zero(2)));
}

TEST(conceptor, is_accepted_by_its_eigenvalues) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const Eigen::Index d = 2 + seed % 9;
    const Eigen::MatrixXd turn =
        Eigen::HouseholderQR<Eigen::MatrixXd>(toy::random_rows<double>(engine, d, d)).householderQ();
    Eigen::VectorXd values = Eigen::VectorXd::Random(d).cwiseAbs();
    values[0] = 0.0;
    values[d - 1] = 1.0;
    const auto made = [&] {
      const Eigen::MatrixXd out = turn * values.asDiagonal() * turn.transpose();
      return steer::conceptor{0.5 * (out + out.transpose())};
    };
    EXPECT_NO_THROW(check(made(), "it"));
    values[d - 1] = 1.0 + 1e-6;
    EXPECT_THROW(check(made(), "it"), steer::numeric_error);
    values[d - 1] = 1.0;
    values[0] = -1e-6;
    EXPECT_THROW(check(made(), "it"), steer::numeric_error);
  }
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
  refuse(Eigen::MatrixXd{{0.5, 0.9}, {0.9, 0.5}}, "eigenvalues from -0.4 to 1.4, by 0.4 outside; expected 0 to 1");  // its diagonal fits
  refuse(Eigen::MatrixXd{{0.0, 1e-4}, {1e-4, 0.5}}, "eigenvalues from -");
  refuse(Eigen::MatrixXd{{1.0, 1e-4}, {1e-4, 0.5}}, "by 2e-08 outside");
  expect_fields<steer::numeric_error>([] { check(steer::conceptor{2.0 * Eigen::MatrixXd::Identity(2, 2)}, "it"); },
                                      {.what = "it", .expected = "0 to 1", .actual = "2 to 2"});
  refuse(Eigen::MatrixXd::Constant(2, 2, std::nan("")), "NaN");
  Eigen::MatrixXd skew = Eigen::MatrixXd::Zero(2, 2);
  skew(0, 1) = 0.5;
  refuse(skew, "asymmetric by 0.5");
}

}  // namespace
