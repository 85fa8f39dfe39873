#include "steer/extract/low_rank_moments.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <random>
#include <vector>

#include "allocations.hpp"
#include "expect_error.hpp"
#include "toy.hpp"

namespace {

using steer::low_rank_moments;
using steer::matrix;

Eigen::MatrixXd scatter_of(const matrix<double>& rows) {
  const matrix<double> centred = rows.rowwise() - rows.colwise().mean();
  return centred.transpose() * centred;
}

/// Rows whose variances fall from direction to direction, far from zero.
matrix<double> falling(std::mt19937_64& engine, Eigen::Index n, Eigen::Index d) {
  matrix<double> out = toy::random_rows<double>(engine, n, d);
  for (Eigen::Index j = 0; j < d; ++j) {
    out.col(j) *= std::pow(0.7, static_cast<double>(j));
  }
  return (out * toy::random_rows<double>(engine, d, d)).array() + 5.0;
}

TEST(low_rank_moments, of_rows_in_few_dimensions_are_exact_and_associative) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const matrix<double> x =
        (toy::random_rows<double>(engine, 90, 4) * toy::random_rows<double>(engine, 4, 20)).array() + 3.0;
    std::vector<low_rank_moments> parts(3, low_rank_moments(20, 6));
    for (Eigen::Index i = 0; i < 90; i += 10) {
      parts[static_cast<std::size_t>(i / 30)].update(x.middleRows(i, 10));
    }
    low_rank_moments left = parts[0];
    left.merge(parts[1]);
    left.merge(parts[2]);
    low_rank_moments right = parts[1];
    right.merge(parts[2]);
    low_rank_moments all = parts[0];
    all.merge(right);
    const Eigen::MatrixXd expected = scatter_of(x) / 89.0;
    EXPECT_LE((left.covariance() - expected).norm(), 1e-12 * expected.norm());
    EXPECT_LE((all.covariance() - left.covariance()).norm(), 1e-12 * expected.norm());
    EXPECT_LE(left.error_bound(), 1e-12 * expected.norm() * 89.0);
    EXPECT_EQ(left.count(), 90);
    EXPECT_LE((left.mean() - x.colwise().mean().transpose()).norm(), 1e-12);
    EXPECT_LE((left.variance() - expected.diagonal()).norm(), 1e-12 * expected.norm());
  }
}

TEST(low_rank_moments, miss_no_direction_by_more_than_they_say_and_no_more_than_the_theorem) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const Eigen::Index rank = 3 + seed % 5;
    const matrix<double> x = falling(engine, 120, 24);
    low_rank_moments seen(24, rank);
    low_rank_moments other(24, rank);
    for (Eigen::Index i = 0; i < 60; ++i) {
      seen.update(x.row(i));
    }
    other.update(x.bottomRows(60));
    seen.merge(other);
    EXPECT_LT(seen.factor().rows(), 2 * rank);
    const Eigen::MatrixXd scatter = scatter_of(x);
    const Eigen::MatrixXd missing = scatter - seen.factor().transpose() * seen.factor();
    const Eigen::VectorXd off = missing.selfadjointView<Eigen::Lower>().eigenvalues();
    const double rounding = 1e-12 * scatter.norm();
    EXPECT_GE(off.minCoeff(), -rounding) << "never too much";
    EXPECT_LE(off.maxCoeff(), seen.error_bound() + rounding);
    EXPECT_GT(off.maxCoeff(), 1e-6 * scatter.norm()) << "there is something to miss";
    const Eigen::VectorXd values = scatter.selfadjointView<Eigen::Lower>().eigenvalues().reverse();
    for (Eigen::Index j = 0; j <= rank; ++j) {
      EXPECT_LE(seen.error_bound(), values.tail(24 - j).sum() / static_cast<double>(rank + 1 - j) + rounding);
    }
  }
}

TEST(low_rank_moments, give_the_same_bits_every_time) {
  std::mt19937_64 engine(3);
  const matrix<double> x = falling(engine, 40, 12);
  const auto stream = [&x] {
    low_rank_moments out(12, 4);
    for (Eigen::Index i = 0; i < 40; i += 5) {
      out.update(x.middleRows(i, 5));
    }
    return out;
  };
  EXPECT_EQ(stream().factor(), stream().factor());
}

TEST(low_rank_moments, update_and_merge_all_or_nothing) {
  std::mt19937_64 engine(4);
  const matrix<double> x = falling(engine, 30, 9);
  low_rank_moments start(9, 3);
  start.update(x.topRows(12));
  low_rank_moments other(9, 3);
  other.update(x.bottomRows(15));
  const auto same = [](const low_rank_moments& a, const low_rank_moments& b) {
    return a.count() == b.count() && a.mean() == b.mean() && a.variance() == b.variance() && a.factor() == b.factor() &&
           a.error_bound() == b.error_bound();
  };
  low_rank_moments seen = start;
  expect_error<steer::numeric_error>([&] { seen.update(matrix<double>::Constant(3, 9, 1e200)); }, "overflow");
  EXPECT_TRUE(same(seen, start));
  STEER_NEED_ALLOCATION_COUNTS();
  steer_test::expect_all_or_nothing(start, [&](low_rank_moments& m) { m.update(x.middleRows(12, 9)); }, same);
  steer_test::expect_all_or_nothing(start, [&](low_rank_moments& m) { m.merge(other); }, same);
}

TEST(low_rank_moments, refuse_by_message_and_keep_nothing) {
  low_rank_moments seen(3, 2);
  matrix<double> bad = matrix<double>::Ones(2, 3);
  bad(1, 2) = std::nan("");
  expect_error<steer::numeric_error>([&] { seen.update(bad); }, "low_rank_moments: sample 1 holds NaN");
  EXPECT_EQ(seen.count(), 0);
  expect_error<steer::shape_error>([&] { seen.update(matrix<double>::Ones(2, 4)); }, "width 4; expected 3");
  expect_error<steer::shape_error>([&] { seen.merge(low_rank_moments(3, 1)); }, "rank 1 into width 3 and rank 2");
  expect_error<steer::shape_error>([] { low_rank_moments(3, 0); }, "rank is 0");
  expect_error<steer::shape_error>([] { low_rank_moments(0, 1); }, "width is 0");
  expect_error<steer::numeric_error>([&] { static_cast<void>(seen.covariance()); }, "has seen 0");
}

}  // namespace
