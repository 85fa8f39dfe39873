#include "steer/extract/samples.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <utility>

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

TEST(repeated_pair, is_found_wherever_it_stands) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    matrix<float> positive = toy::random_rows<float>(engine, 15, 3);
    matrix<float> negative = toy::random_rows<float>(engine, 15, 3);
    const auto first = static_cast<Eigen::Index>(engine() % 7);
    const auto second = static_cast<Eigen::Index>(7 + engine() % 8);
    positive.row(second) = positive.row(first);
    EXPECT_FALSE(steer::detail::repeated_pair(positive, negative)) << "one side alone makes no pair";
    negative.row(second) = negative.row(first);
    EXPECT_EQ(steer::detail::repeated_pair(positive, negative), std::pair(first, second));
  }
}

}  // namespace
