#include "steer/extract/moments.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <thread>
#include <vector>

#include "expect_error.hpp"
#include "toy.hpp"

namespace {

using steer::matrix;
using steer::moments;

double worst(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  return (a - b).cwiseAbs().maxCoeff() / std::max(1.0, b.cwiseAbs().maxCoeff());
}

moments of(const matrix<double>& rows) {
  moments out(rows.cols());
  out.observe(rows);
  return out;
}

TEST(moments, equal_the_two_pass_formulas) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const auto n = static_cast<Eigen::Index>(2 + engine() % 40);
    const auto d = static_cast<Eigen::Index>(1 + engine() % 12);
    matrix<double> x = toy::random_rows<double>(engine, n, d);
    x.col(0).array() += 100.0;
    const Eigen::RowVectorXd mean = x.colwise().mean();
    const matrix<double> centred = x.rowwise() - mean;
    const Eigen::MatrixXd covariance = centred.transpose() * centred / static_cast<double>(n - 1);
    moments streamed(d);
    moments variances(d, steer::second_moments::variances);
    for (Eigen::Index i = 0; i < n; ++i) {
      streamed.observe(x.row(i));
      variances.observe(x.row(i));
    }
    EXPECT_EQ(streamed.count(), n);
    EXPECT_LE(worst(streamed.mean(), mean.transpose()), 1e-12);
    EXPECT_LE(worst(streamed.covariance(), covariance), 1e-12);
    EXPECT_LE(worst(variances.variance(), covariance.diagonal()), 1e-12);
    EXPECT_LE(worst(streamed.variance(), covariance.diagonal()), 1e-12);
    EXPECT_LE(worst(streamed.correlation(), x.transpose() * x / static_cast<double>(n)), 1e-12);
  }
}

TEST(moments, merging_is_associative_and_commutative) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    std::vector<moments> parts;
    for (int i = 0; i < 3; ++i) {
      matrix<double> x = toy::random_rows<double>(engine, static_cast<Eigen::Index>(1 + engine() % 30), 6);
      x.array() += 10.0 * i;
      parts.push_back(of(x));
    }
    moments left = parts[0];
    left.merge(parts[1]);
    left.merge(parts[2]);
    moments tail = parts[1];
    tail.merge(parts[2]);
    moments right = parts[0];
    right.merge(tail);
    moments swapped = parts[2];
    swapped.merge(parts[0]);
    swapped.merge(parts[1]);
    for (const moments* other : {&right, &swapped}) {
      EXPECT_EQ(left.count(), other->count());
      EXPECT_LE(worst(left.mean(), other->mean()), 1e-12);
      EXPECT_LE(worst(left.covariance(), other->covariance()), 1e-12);
    }
  }
}

TEST(moments, keep_their_digits_far_from_zero) {
  moments seen(1);
  for (const double x : {1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0}) {
    seen.observe(Eigen::Matrix<double, 1, 1>(x));
  }
  EXPECT_EQ(seen.variance()[0], 1.0) << "a sum of squares about zero has lost it";
}

TEST(moments, of_several_threads_are_those_of_one) {
  std::mt19937_64 engine(7);
  const matrix<double> x = toy::random_rows<double>(engine, 64, 8);
  const auto stream = [&x] {
    std::vector<moments> parts(4, moments(8));
    std::vector<std::thread> threads;
    for (Eigen::Index t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (Eigen::Index i = 0; i < 16; ++i) {
          parts[static_cast<std::size_t>(t)].observe(x.row(16 * t + i));
        }
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    moments out(8);
    for (const moments& part : parts) {
      out.merge(part);
    }
    return out;
  };
  const moments first = stream();
  EXPECT_LE(worst(first.covariance(), of(x).covariance()), 1e-12);
  EXPECT_EQ(first.covariance(), stream().covariance()) << "a fixed order gives the same bits";
  EXPECT_EQ(first.mean(), stream().mean());
}

TEST(moments, refuse_by_message_and_keep_nothing) {
  moments seen(3);
  seen.observe(Eigen::RowVector3f(1.0F, 2.0F, 3.0F));
  matrix<float> bad = matrix<float>::Ones(2, 3);
  bad(1, 2) = std::nanf("");
  expect_error<steer::numeric_error>([&] { seen.observe(bad); }, "moments", "sample 1 holds NaN");
  expect_error<steer::shape_error>([&] { seen.observe(Eigen::RowVector2d(1, 2)); }, "width 2", "expected 3");
  matrix<double> huge = matrix<double>::Constant(1, 3, 1e200);
  expect_error<steer::numeric_error>([&] { seen.observe(huge); }, "squares of the rows overflow");
  EXPECT_EQ(seen.count(), 1);
  expect_error<steer::numeric_error>([&] { static_cast<void>(seen.covariance()); }, "at least 2 rows; has seen 1");
  expect_error<steer::numeric_error>([] { static_cast<void>(moments(2).mean()); }, "at least 1 rows; has seen 0");
  expect_error<steer::shape_error>([] { moments(0); }, "width is 0");
  expect_error<steer::shape_error>([&] { seen.merge(moments(2)); }, "width 2 into width 3");
  const moments variances(3, steer::second_moments::variances);
  expect_error<steer::argument_error>([&] { seen.merge(variances); }, "do not merge");
  expect_error<steer::argument_error>([&] { static_cast<void>(variances.scatter()); }, "only variances were kept");
}

TEST(cross_moments, equal_the_two_pass_formula_however_they_are_merged) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const matrix<double> x = toy::random_rows<double>(engine, 30, 5);
    const matrix<double> z = toy::random_rows<double>(engine, 30, 2) + x.leftCols(2);
    steer::cross_moments left(5, 2);
    left.observe(x.topRows(7), z.topRows(7));
    left.observe(x.middleRows(7, 3), z.middleRows(7, 3));
    steer::cross_moments right(5, 2);
    right.observe(x.bottomRows(20), z.bottomRows(20));
    steer::cross_moments swapped = right;
    swapped.merge(left);
    left.merge(right);
    const matrix<double> xc = x.rowwise() - x.colwise().mean();
    const matrix<double> zc = z.rowwise() - z.colwise().mean();
    EXPECT_LE(worst(left.cross_covariance(), xc.transpose() * zc / 29.0), 1e-12);
    EXPECT_LE(worst(left.cross_covariance(), swapped.cross_covariance()), 1e-12);
    EXPECT_LE(worst(left.rows().covariance(), of(x).covariance()), 1e-12);
    EXPECT_LE(worst(left.labels().mean(), z.colwise().mean().transpose()), 1e-12);
  }
}

TEST(cross_moments, take_labels_of_another_scalar_as_a_vector) {
  std::mt19937_64 engine(21);
  const matrix<double> rows = toy::random_rows<double>(engine, 9, 3);
  const Eigen::VectorXf labels = Eigen::VectorXf::LinSpaced(9, 0.0F, 8.0F);
  steer::cross_moments by_vector(3, 1);
  by_vector.observe(rows, labels);
  steer::cross_moments by_matrix(3, 1);
  by_matrix.observe(rows, matrix<double>(labels.cast<double>()));
  EXPECT_EQ(by_vector.cross_covariance(), by_matrix.cross_covariance());
}

TEST(cross_moments, refuse_by_message) {
  steer::cross_moments seen(3, 1);
  expect_error<steer::shape_error>([&] { seen.observe(matrix<double>::Ones(2, 3), Eigen::MatrixXd::Ones(3, 1)); },
                                   "2 rows and 3 labels");
  expect_error<steer::shape_error>([&] { seen.merge(steer::cross_moments(3, 2)); }, "3 and 2 into 3 and 1");
  expect_error<steer::numeric_error>([&] { static_cast<void>(seen.cross_covariance()); }, "has seen 0");
}

}  // namespace
