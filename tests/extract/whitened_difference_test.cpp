#include "steer/extract/whitened_difference.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <random>

#include "expect_error.hpp"
#include "toy.hpp"

namespace {

using steer::matrix;
using steer::solve_by;

double cosine(const Eigen::VectorXd& a, const Eigen::VectorXd& b) { return a.normalized().dot(b.normalized()); }

struct contrast {
  matrix<double> positive;
  matrix<double> negative;
  Eigen::MatrixXd within;  // unbiased
  Eigen::VectorXd delta;

  contrast(unsigned seed, Eigen::Index n, Eigen::Index m, Eigen::Index d) {
    std::mt19937_64 engine(seed);
    const matrix<double> mixing = toy::random_rows<double>(engine, d, d) + 3.0 * matrix<double>::Identity(d, d);
    positive = toy::random_rows<double>(engine, n, d) * mixing;
    negative = toy::random_rows<double>(engine, m, d) * mixing;
    positive.col(0).array() += 2.0;
    delta = (positive.colwise().mean() - negative.colwise().mean()).transpose();
    const matrix<double> a = positive.rowwise() - positive.colwise().mean();
    const matrix<double> b = negative.rowwise() - negative.colwise().mean();
    within = (a.transpose() * a + b.transpose() * b) / static_cast<double>(n + m - 2);
  }
  matrix<double> all() const {
    matrix<double> out(positive.rows() + negative.rows(), positive.cols());
    out << positive, negative;
    return out;
  }
};

TEST(whitened_difference, is_proportional_to_what_total_covariance_and_least_squares_find) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const contrast c(seed, 60, 40, 8);
    const Eigen::VectorXd w = steer::whitened_difference(c.positive, c.negative, {.shrinkage = 0.0});
    EXPECT_LE((c.within * w - c.delta).norm(), 1e-12 * c.delta.norm() * c.within.norm());
    const matrix<double> centred = c.all().rowwise() - c.all().colwise().mean();
    const Eigen::MatrixXd total = centred.transpose() * centred;
    EXPECT_NEAR(cosine(w, total.ldlt().solve(c.delta)), 1.0, 1e-12);
    Eigen::VectorXd labels(100);
    labels << Eigen::VectorXd::Ones(60), Eigen::VectorXd::Zero(40);
    labels.array() -= labels.mean();
    EXPECT_NEAR(cosine(w, Eigen::MatrixXd(centred).colPivHouseholderQr().solve(labels)), 1.0, 1e-12);
  }
}

TEST(whitened_difference, solved_by_samples_equals_solved_by_width) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const contrast c(seed, 5, 7, seed % 2 == 0 ? 30 : 6);
    const double shrinkage = 0.05 + 0.9 * static_cast<double>(seed) / 10.0;
    const auto by = [&](solve_by way) {
      return steer::whitened_difference(c.positive, c.negative, {.shrinkage = shrinkage, .solve_by = way});
    };
    const Eigen::VectorXd w = by(solve_by::width);
    const Eigen::Index d = c.delta.size();
    const Eigen::MatrixXd shrunk = (1.0 - shrinkage) * c.within + shrinkage * c.within.trace() /
                                                                      static_cast<double>(d) *
                                                                      Eigen::MatrixXd::Identity(d, d);
    EXPECT_LE((shrunk * w - c.delta).norm() / c.delta.norm(), 1e-10);
    EXPECT_LE((by(solve_by::samples) - w).norm() / w.norm(), 1e-10);
    EXPECT_EQ(by(solve_by::fewer), by(d > 12 ? solve_by::samples : solve_by::width));
  }
}

TEST(whitened_difference, fully_shrunk_is_the_mean_difference) {
  const contrast c(1, 9, 9, 12);
  EXPECT_NEAR(cosine(steer::whitened_difference(c.positive, c.negative, {.shrinkage = 1.0}), c.delta), 1.0, 1e-12);
}

TEST(whitened_difference, does_not_depend_on_the_coordinates) {
  const contrast c(2, 40, 40, 5);
  std::mt19937_64 engine(9);
  const Eigen::MatrixXd mixing = toy::random_rows<double>(engine, 5, 5);
  const Eigen::VectorXd w = steer::whitened_difference(c.positive, c.negative, {.shrinkage = 0.0});
  const Eigen::VectorXd mixed =
      steer::whitened_difference(c.positive * mixing.transpose(), c.negative * mixing.transpose(), {.shrinkage = 0.0});
  EXPECT_LE((mixing.transpose() * mixed - w).norm(), 1e-10 * w.norm()) << "every row reads the same number";
}

TEST(whitened_difference, refuses_by_message) {
  const contrast c(3, 4, 4, 12);
  const auto refuse = [](const auto& p, const auto& n, steer::whitened_options options, const auto&... parts) {
    expect_error<steer::numeric_error>([&] { steer::whitened_difference(p, n, options); }, parts...);
  };
  refuse(c.positive, c.negative, {.shrinkage = 0.0}, "8 samples leave 6 degrees of freedom for width 12",
         "shrinkage above 0");
  refuse(c.positive.topRows(1), c.negative, {}, "positive: has 1 sample;", "at least 2");
  refuse(c.positive, c.positive, {}, "the same mean");
  const matrix<double> ones = matrix<double>::Ones(3, 2);
  refuse(ones, 2.0 * ones, {}, "all the same", "variance");
  std::mt19937_64 engine(4);
  matrix<double> flat = toy::random_rows<double>(engine, 20, 3);
  flat.col(1).setZero();
  refuse(flat.topRows(10), flat.bottomRows(10), {.shrinkage = 0.0}, "singular");
  expect_error<steer::argument_error>([&] { steer::whitened_difference(c.positive, c.negative, {.shrinkage = 1.5}); },
                                      "shrinkage is 1.5");
  const contrast tall(3, 20, 20, 3);
  expect_error<steer::argument_error>(
      [&] {
        steer::whitened_difference(tall.positive, tall.negative, {.shrinkage = 0.0, .solve_by = solve_by::samples});
      },
      "solve_by::samples needs a shrinkage");
}

TEST(whitened_difference, refuses_squares_that_overflow) {
  std::mt19937_64 engine(1);
  const matrix<double> a = 1e200 * toy::random_rows<double>(engine, 9, 3);
  const matrix<double> b = 1e200 * toy::random_rows<double>(engine, 9, 3);
  expect_error<steer::numeric_error>([&] { steer::whitened_difference(a, b); }, "whitened_difference", "overflow");
}

}  // namespace
