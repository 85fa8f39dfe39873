#include "steer/extract/samples.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <random>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "toy.hpp"

namespace {

using steer::matrix;

TEST(samples, are_refused_when_they_are_too_few_or_no_numbers) {
  matrix<float> rows = matrix<float>::Ones(3, 2);
  EXPECT_EQ(steer::detail::samples(rows, 3, "it"), matrix<double>(matrix<double>::Ones(3, 2)));
  expect_error<steer::numeric_error>([&] { steer::detail::samples(rows, 4, "it"); }, "it: has 3 samples", "at least 4");
  expect_error<steer::numeric_error>([&] { steer::detail::samples(rows.topRows(1), 2, "it"); }, "has 1 sample;");
  expect_error<steer::shape_error>([&] { steer::detail::samples(matrix<float>(3, 0), 1, "it"); }, "width 0");
  rows(2, 0) = -INFINITY;
  expect_error<steer::numeric_error>([&] { steer::detail::samples(rows, 1, "it"); }, "sample 2 holds NaN or infinity");
}

/// Sums of whole numbers are exact, in whichever order they are taken.
template <class Rows>
void expect_column_sums(const Rows& rows) {
  Eigen::RowVectorXd expected = Eigen::RowVectorXd::Zero(rows.cols());
  for (Eigen::Index j = 0; j < rows.cols(); ++j) {
    for (Eigen::Index i = 0; i < rows.rows(); ++i) {
      expected[j] += static_cast<double>(rows(i, j));
    }
  }
  EXPECT_EQ(steer::detail::column_sums(rows), expected) << rows.rows() << " by " << rows.cols();
}

TEST(column_sums, are_those_of_every_layout) {
  std::mt19937_64 engine(11);
  for (Eigen::Index n = 0; n <= 18; ++n) {
    for (Eigen::Index d = 1; d <= 20; ++d) {
      const matrix<float> memory = (1000.0 * toy::random_rows<double>(engine, n + 1, d)).array().round().cast<float>();
      const auto held = memory.topRows(n);  // has an address even where there are no rows
      const matrix<float> rows = held;
      expect_column_sums(rows);
      expect_column_sums(matrix<double>(rows.cast<double>()));
      expect_column_sums(Eigen::MatrixXf(rows));
      expect_column_sums(held.rightCols(d / 2 + 1));
      expect_column_sums(held.bottomRows(n / 2).leftCols(d / 2 + 1));
      expect_column_sums((2.0F * rows).eval().transpose());
      const Eigen::Map<const matrix<float>, 0, Eigen::InnerStride<2>> every_second(rows.data(), n, d / 2);
      expect_column_sums(every_second);
      EXPECT_EQ(steer::detail::column_sums(2.0F * rows), 2.0 * steer::detail::column_sums(rows));
    }
  }
}

TEST(column_sums, are_in_double) {
  matrix<float> rows = matrix<float>::Constant(9, 10, 1.0F);
  rows.row(3).setConstant(16777216.0F);
  EXPECT_EQ(steer::detail::column_sums(rows), Eigen::RowVectorXd::Constant(10, 16777224.0)) << "floats would end at ...216";
  rows(8, 2) = std::nanf("");
  EXPECT_TRUE(std::isnan(steer::detail::column_sums(rows)[2]));
}

TEST(equal_rows, are_found_wherever_they_stand) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    matrix<float> positive = toy::random_rows<float>(engine, 15, 3);
    matrix<float> negative = toy::random_rows<float>(engine, 15, 3);
    const auto first = engine() % 7;
    const auto second = 7 + engine() % 8;
    const auto row = [](std::size_t i) { return static_cast<Eigen::Index>(i); };
    positive.row(row(second)) = positive.row(row(first));
    EXPECT_EQ(steer::detail::equal_rows(positive, negative).count, 15) << "one side alone makes no pair";
    EXPECT_EQ(steer::detail::equal_rows(positive, positive).count, 14);
    negative.row(row(second)) = negative.row(row(first));
    const steer::detail::row_groups found = steer::detail::equal_rows(positive, negative);
    EXPECT_EQ(found.count, 14);
    for (std::size_t i = 0; i < 15; ++i) {
      EXPECT_EQ(found.of[i], row(i == second ? first : i > second ? i - 1 : i)) << "numbered as they come";
    }
  }
}

TEST(equal_rows, are_the_same_bits_so_that_no_number_breaks_the_order) {
  matrix<float> rows(4, 1);
  rows << std::nanf(""), 1.0F, std::nanf(""), 1.0F;
  EXPECT_EQ(steer::detail::equal_rows(rows, rows).of, (std::vector<Eigen::Index>{0, 1, 0, 1}));
}

}  // namespace
