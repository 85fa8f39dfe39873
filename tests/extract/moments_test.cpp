#include "steer/extract/moments.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "allocations.hpp"
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
  out.update(rows);
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
      streamed.update(x.row(i));
      variances.update(x.row(i));
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
    seen.update(Eigen::Matrix<double, 1, 1>(x));
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
          parts[static_cast<std::size_t>(t)].update(x.row(16 * t + i));
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
  seen.update(Eigen::RowVector3f(1.0F, 2.0F, 3.0F));
  matrix<float> bad = matrix<float>::Ones(2, 3);
  bad(1, 2) = std::nanf("");
  expect_error<steer::numeric_error>([&] { seen.update(bad); }, "moments", "sample 1 holds NaN");
  expect_error<steer::shape_error>([&] { seen.update(Eigen::RowVector2d(1, 2)); }, "width 2", "expected 3");
  matrix<double> huge = matrix<double>::Constant(1, 3, 1e200);
  expect_error<steer::numeric_error>([&] { seen.update(huge); }, "squares of the rows overflow");
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
    left.update(x.topRows(7), z.topRows(7));
    left.update(x.middleRows(7, 3), z.middleRows(7, 3));
    steer::cross_moments right(5, 2);
    right.update(x.bottomRows(20), z.bottomRows(20));
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
  by_vector.update(rows, labels);
  steer::cross_moments by_matrix(3, 1);
  by_matrix.update(rows, matrix<double>(labels.cast<double>()));
  EXPECT_EQ(by_vector.cross_covariance(), by_matrix.cross_covariance());
}

TEST(moments, update_and_merge_all_or_nothing) {
  STEER_NEED_ALLOCATION_COUNTS();
  std::mt19937_64 engine(5);
  const matrix<double> x = toy::random_rows<double>(engine, 6, 4);
  const auto same = [](const moments& a, const moments& b) {
    return a.count() == b.count() && a.mean() == b.mean() && a.variance() == b.variance();
  };
  for (const auto kept : {steer::second_moments::covariance, steer::second_moments::variances}) {
    moments start(4, kept);
    start.update(x.topRows(3));
    moments other(4, kept);
    other.update(x.bottomRows(3));
    steer_test::expect_all_or_nothing(start, [&](moments& m) { m.update(x); }, same);
    steer_test::expect_all_or_nothing(start, [&](moments& m) { m.merge(other); }, same);
    moments twice = start;
    twice.merge(twice);
    EXPECT_EQ(twice.count(), 6);
    EXPECT_LE(worst(twice.variance() * 5.0, start.variance() * 4.0), 1e-12);
  }
}

TEST(moments, of_batches_that_differ_in_size_and_scalar_are_the_two_pass_formulas) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const auto n = static_cast<Eigen::Index>(2 + engine() % 60);
    const matrix<double> x =
        toy::random_rows<float>(engine, n, 5).cast<double>() + matrix<double>::Constant(n, 5, static_cast<double>(seed));
    const matrix<float> as_float = x.cast<float>();
    const matrix<double> z = toy::random_rows<double>(engine, n, 2);
    std::vector<moments> parts(3, moments(5));
    std::vector<moments> spreads(3, moments(5, steer::second_moments::variances));
    std::vector<steer::cross_moments> crosses(3, steer::cross_moments(5, 2));
    for (Eigen::Index at = 0; at < n;) {
      const Eigen::Index count = std::min<Eigen::Index>(static_cast<Eigen::Index>(engine() % 9), n - at);  // also none
      const std::size_t part = engine() % 3;
      if (engine() % 2 == 0) {
        parts[part].update(as_float.middleRows(at, count));
        spreads[part].update(Eigen::MatrixXd(as_float.middleRows(at, count).cast<double>()));  // columns lie together
      } else {
        parts[part].update(as_float.middleRows(at, count).cast<double>());
        spreads[part].update(as_float.middleRows(at, count));
      }
      crosses[part].update(as_float.middleRows(at, count), z.middleRows(at, count));
      at += count;
    }
    for (std::size_t i = 1; i < 3; ++i) {
      parts[0].merge(parts[i]);
      spreads[0].merge(spreads[i]);
      crosses[0].merge(crosses[i]);
    }
    const matrix<double> rows = as_float.cast<double>();
    const matrix<double> centred = rows.rowwise() - rows.colwise().mean();
    const matrix<double> labels = z.rowwise() - z.colwise().mean();
    const auto free = static_cast<double>(n - 1);
    EXPECT_EQ(parts[0].count(), n);
    EXPECT_LE(worst(parts[0].mean(), rows.colwise().mean().transpose()), 1e-12);
    EXPECT_LE(worst(parts[0].covariance(), centred.transpose() * centred / free), 1e-11);
    EXPECT_LE(worst(spreads[0].variance(), parts[0].variance()), 1e-11);
    EXPECT_LE(worst(crosses[0].cross_covariance(), centred.transpose() * labels / free), 1e-11);
    EXPECT_LE(worst(crosses[0].rows().covariance(), parts[0].covariance()), 1e-11);
  }
}

TEST(cross_moments, update_and_merge_all_or_nothing) {
  steer::cross_moments seen(2, 1);
  seen.update(matrix<double>{{1.0, 2.0}, {3.0, 5.0}}, Eigen::Vector2d(0.0, 1.0));
  const auto same = [](const steer::cross_moments& a, const steer::cross_moments& b) {
    return a.rows().count() == b.rows().count() && a.labels().count() == b.labels().count() &&
           a.rows().mean() == b.rows().mean() && a.labels().mean() == b.labels().mean() &&
           a.rows().covariance() == b.rows().covariance() && a.labels().variance() == b.labels().variance() &&
           a.cross_covariance() == b.cross_covariance();
  };
  const steer::cross_moments before = seen;
  const Eigen::Vector2d labels(0.0, 1.0);
  expect_error<steer::numeric_error>([&] { seen.update(matrix<double>::Constant(2, 2, 1e200), labels); }, "overflow");
  EXPECT_TRUE(same(seen, before)) << "rows that are too large";
  expect_error<steer::numeric_error>([&] { seen.update(matrix<double>{{1.0, 2.0}, {3.0, 5.0}}, 1e200 * labels); }, "overflow");
  EXPECT_TRUE(same(seen, before)) << "labels that are too large";
  STEER_NEED_ALLOCATION_COUNTS();
  steer_test::expect_all_or_nothing(
      before, [&](steer::cross_moments& m) { m.update(matrix<double>{{7.0, 2.0}, {3.0, 9.0}}, labels); }, same);
  steer_test::expect_all_or_nothing(before, [&](steer::cross_moments& m) { m.merge(before); }, same);
}

TEST(cross_moments, refuse_by_message) {
  steer::cross_moments seen(3, 1);
  expect_error<steer::shape_error>([&] { seen.update(matrix<double>::Ones(2, 3), Eigen::MatrixXd::Ones(3, 1)); },
                                   "2 rows and 3 labels");
  expect_error<steer::shape_error>([&] { seen.merge(steer::cross_moments(3, 2)); }, "3 and 2 into 3 and 1");
  expect_error<steer::numeric_error>([&] { static_cast<void>(seen.cross_covariance()); }, "has seen 0");
}

}  // namespace
