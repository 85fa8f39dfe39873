#include "steer/extract/separation.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "expect_error.hpp"

namespace {

using numbers = std::vector<double>;

TEST(auroc, known_answers) {
  EXPECT_EQ(steer::auroc(numbers{2, 3}, numbers{0, 1}), 1.0);
  EXPECT_EQ(steer::auroc(numbers{0, 1}, numbers{2, 3}), 0.0);
  EXPECT_EQ(steer::auroc(numbers{1}, numbers{1}), 0.5);
  EXPECT_DOUBLE_EQ(steer::auroc(numbers{0.8, 0.4, 0.35}, numbers{0.1, 0.4}), 4.5 / 6.0);
}

TEST(auroc, equals_the_count_over_all_pairs) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 engine(seed);
    numbers plus(1 + engine() % 30);
    numbers minus(1 + engine() % 30);
    for (double& x : plus) x = static_cast<double>(engine() % 10);
    for (double& x : minus) x = static_cast<double>(engine() % 8);
    double wins = 0.0;
    for (const double p : plus) {
      for (const double q : minus) wins += p > q ? 1.0 : (p == q ? 0.5 : 0.0);
    }
    EXPECT_NEAR(steer::auroc(plus, minus), wins / static_cast<double>(plus.size() * minus.size()), 1e-12);
  }
}

TEST(d_prime, known_answers) {
  EXPECT_DOUBLE_EQ(steer::d_prime(numbers{2, 4}, numbers{0, 2}), 2.0 / std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(steer::d_prime(numbers{0, 2}, numbers{2, 4}), -2.0 / std::sqrt(2.0));
}

TEST(separation, refuses_scores_that_are_no_numbers) {
  const std::vector<double> good{1.0, 2.0};
  const std::vector<double> bad{1.0, std::nan("")};
  expect_error<steer::numeric_error>([&] { steer::auroc(good, bad); }, "auroc", "nan");
  expect_error<steer::numeric_error>([&] { steer::d_prime(bad, good); }, "d_prime", "nan");
}

TEST(separation, refuses_empty_and_constant_sides) {
  expect_error<steer::numeric_error>([] { steer::auroc(numbers{}, numbers{1}); }, "0 positive and 1 negative");
  expect_error<steer::numeric_error>([] { steer::d_prime(numbers{1}, numbers{1, 2}); }, "1 positive and 2 negative");
  expect_error<steer::numeric_error>([] { steer::d_prime(numbers{1, 1}, numbers{2, 2}); }, "constant");
}

}  // namespace
