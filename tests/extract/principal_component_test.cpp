#include "steer/extract/principal_component.hpp"

#include <gtest/gtest.h>

#include <Eigen/Eigenvalues>
#include <Eigen/SVD>
#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <utility>

#include "expect_error.hpp"
#include "toy.hpp"

namespace {

using steer::component_of;
using steer::matrix;

struct pairs {
  matrix<double> positive;
  matrix<double> negative;

  pairs(unsigned seed, Eigen::Index n, Eigen::Index d, double shift) {
    std::mt19937_64 engine(seed);
    negative = toy::random_rows<double>(engine, n, d);
    positive = negative + 0.5 * toy::random_rows<double>(engine, n, d);
    positive.col(0).array() += shift;
  }
  matrix<double> differences() const { return positive - negative; }
};

Eigen::MatrixXd right_singular_vectors(const Eigen::MatrixXd& samples) {
  return Eigen::JacobiSVD<Eigen::MatrixXd>(samples, Eigen::ComputeThinU | Eigen::ComputeThinV).matrixV();
}

TEST(principal_component, is_the_first_right_singular_vector_on_the_side_of_the_mean) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const pairs p(seed, seed % 2 == 0 ? 12 : 40, 20, 2.0);
    const matrix<double> d = p.differences();
    const auto found = steer::principal_component(p.positive, p.negative);
    EXPECT_NEAR(found.v.norm(), 1.0, 1e-12);
    EXPECT_NEAR(std::abs(found.v.dot(right_singular_vectors(d).col(0))), 1.0, 1e-12);
    EXPECT_GT(d.colwise().mean().dot(found.v), 0.0);
    EXPECT_NEAR(found.explained_variance, (d * found.v).squaredNorm() / d.squaredNorm(), 1e-12);
    const auto other_way = steer::principal_component(p.negative, p.positive);
    EXPECT_LE((found.v + other_way.v).norm(), 1e-12) << "sides exchanged, sign exchanged";
    EXPECT_EQ(found.majority, other_way.majority);
  }
}

TEST(principal_component, of_many_samples_is_the_same_whether_one_dimension_stands_out_or_none) {
  // From 192 dimensions on Lanczos' method is tried first. Along a shift of 3 it takes few steps; without one the first
  // singular values lie so close that it gives up.
  for (const double shift : {3.0, 0.0}) {
    for (const auto& [n, d] : {std::pair<Eigen::Index, Eigen::Index>{200, 230}, {230, 200}}) {
      SCOPED_TRACE("shift " + std::to_string(shift) + ", n " + std::to_string(n));
      const pairs p(7, n, d, shift);
      const Eigen::MatrixXd differences = p.differences();
      const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solved(differences.transpose() * differences);
      const auto found = steer::principal_component(p.positive, p.negative);
      EXPECT_NEAR(std::abs(found.v.dot(solved.eigenvectors().col(d - 1))), 1.0, 1e-12);
      EXPECT_NEAR(found.explained_variance, solved.eigenvalues()[d - 1] / differences.squaredNorm(), 1e-12);
      EXPECT_NEAR(found.v.norm(), 1.0, 1e-12);
    }
  }
}

TEST(principal_component, is_found_where_samples_fall_into_blocks_that_share_no_dimension) {
  // The Gram matrix has two blocks: one long pair, and many short ones that together weigh more.
  matrix<double> positive = matrix<double>::Zero(220, 240);
  positive(0, 0) = 10.0;
  positive.col(1).tail(219).setOnes();
  const auto found = steer::principal_component(positive, matrix<double>::Zero(220, 240));
  EXPECT_NEAR(found.v[1], 1.0, 1e-12);
  EXPECT_NEAR(found.explained_variance, 219.0 / 319.0, 1e-12);
  const auto few = steer::principal_component(positive.topRows(150), matrix<double>::Zero(150, 240));
  EXPECT_NEAR(few.v[1], 1.0, 1e-12) << "by the direct method";
}

TEST(principal_component, of_differences_is_what_others_call_pca_center_and_pca_pairwise) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const pairs p(seed, 10, 24, 1.0);
    const matrix<double> half = 0.5 * p.differences();  // each text about the middle of its pair
    matrix<double> both(20, 24);
    both << half, -half;
    const auto found = steer::principal_component(p.positive, p.negative);
    EXPECT_NEAR(std::abs(found.v.dot(right_singular_vectors(both).col(0))), 1.0, 1e-12);
  }
}

TEST(principal_component, of_centred_differences_discards_the_common_shift) {
  double plain = 1.0;
  double centred = 0.0;
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const pairs p(seed, 64, 32, 50.0);
    const Eigen::VectorXd delta = p.differences().colwise().mean().normalized().transpose();
    plain = std::min(plain, steer::principal_component(p.positive, p.negative).v.dot(delta));
    const auto other = steer::principal_component(p.positive, p.negative, {.of = component_of::centred_differences});
    centred += other.v.dot(delta) / 10.0;
  }
  EXPECT_GT(plain, 0.9999);
  EXPECT_LT(centred, 0.3) << "the trap: the variance about the mean says nothing of the mean (a random one has .14)";
}

TEST(principal_component, pooled_needs_no_pairs) {
  std::mt19937_64 engine(3);
  matrix<float> positive = toy::random_rows<float>(engine, 30, 8);
  const matrix<float> negative = toy::random_rows<float>(engine, 20, 8);
  positive.col(2).array() += 20.0F;
  const auto found = steer::principal_component(positive, negative, {.of = component_of::pooled});
  EXPECT_GT(found.v[2], 0.99);
  EXPECT_EQ(found.majority, 1.0);
  EXPECT_GT(found.explained_variance, 0.8);
}

TEST(principal_component, majority_and_mean_may_disagree) {
  matrix<double> positive(3, 1);
  positive << -1.0, -1.0, 5.0;
  const auto found = steer::principal_component(positive, matrix<double>::Zero(3, 1));
  EXPECT_EQ(found.v[0], 1.0) << "the mean gives the sign";
  EXPECT_NEAR(found.majority, 1.0 / 3.0, 1e-15) << "and the vote says how sure it is";
}

TEST(principal_component, refuses_by_message) {
  const matrix<double> two = matrix<double>::Random(2, 3);
  const matrix<double> one = two.topRows(1);
  matrix<double> bad = two;
  bad(0, 0) = std::nan("");
  expect_error<steer::shape_error>([&] { steer::principal_component(two, one); }, "2 positive and 1 negative",
                                   "pooled");
  expect_error<steer::shape_error>([&] { steer::principal_component(two, matrix<double>(2, 4)); }, "width 3",
                                   "width 4");
  expect_error<steer::numeric_error>([&] { steer::principal_component(two, bad); }, "negative: sample 0 holds NaN");
  expect_error<steer::numeric_error>([&] { steer::principal_component(two, two); }, "span 0 dimensions; asked for 1");
  expect_error<steer::numeric_error>(
      [&] { steer::principal_component(one, one, {.of = component_of::centred_differences}); }, "has 1 sample;",
      "at least 2");
  matrix<double> opposite = two;
  opposite.row(1) = -opposite.row(0);
  expect_error<steer::numeric_error>([&] { steer::principal_component(opposite, matrix<double>::Zero(2, 3)); },
                                     "no sign");
}

TEST(principal_component, refuses_squares_that_overflow) {
  std::mt19937_64 engine(1);
  for (const Eigen::Index n : {3, 300}) {
    const matrix<double> a = 1e200 * toy::random_rows<double>(engine, n, n);
    const matrix<double> b = 1e200 * toy::random_rows<double>(engine, n, n);
    expect_error<steer::numeric_error>([&] { steer::principal_component(a, b); }, "principal_component", "overflow");
  }
}

}  // namespace
