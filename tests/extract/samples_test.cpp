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
