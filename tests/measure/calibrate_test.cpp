#include "steer/measure/calibrate.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "expect_error.hpp"
#include "steer/measure/quantile.hpp"

namespace {

TEST(dose_within, is_the_largest_that_the_budget_allows) {
  int calls = 0;
  const auto cost = [&](double dose) {
    ++calls;
    return 0.3 * dose * dose;
  };
  for (const double budget : {0.001, 0.1, 0.5, 1.1}) {
    calls = 0;
    const steer::calibrated found = steer::dose_within(budget, cost, {.most = 2.0, .tolerance = 1e-3});
    EXPECT_LE(found.value, budget);
    EXPECT_NEAR(found.dose, std::sqrt(budget / 0.3), 1e-3);
    EXPECT_EQ(found.value, 0.3 * found.dose * found.dose);
    EXPECT_EQ(found.rounds, calls);
    EXPECT_LE(calls, 12);
  }
  EXPECT_EQ(steer::dose_within(2.0, cost).dose, 2.0) << "even the most costs less";
  EXPECT_EQ(steer::dose_within(1e-9, cost, {.rounds = 3}).dose, 0.0) << "none of the doses that were tried";
}

TEST(best_dose, is_where_the_gain_turns) {
  for (const double best : {0.1, 0.7, 1.3, 1.9}) {
    int calls = 0;
    const steer::calibrated found = steer::best_dose(
        [&](double dose) {
          ++calls;
          return 0.8 - (dose - best) * (dose - best);
        },
        {.tolerance = 1e-3});
    EXPECT_NEAR(found.dose, best, 1e-3);
    EXPECT_EQ(found.rounds, calls);
    EXPECT_LE(calls, 19);
  }
  EXPECT_NEAR(steer::best_dose([](double dose) { return dose; }).dose, 2.0, 0.01);
}

TEST(calibrate, refuses_by_message) {
  const auto gain = [](double) { return 1.0; };
  expect_error<steer::argument_error>([&] { steer::dose_within(0.0, gain); }, "a budget of 0");
  expect_error<steer::argument_error>([&] { steer::best_dose(gain, {.most = -1.0}); }, "doses up to -1");
  expect_error<steer::argument_error>([&] { steer::best_dose(gain, {.rounds = 1}); }, "1 rounds");
  const auto nothing = [](double) { return std::numeric_limits<double>::quiet_NaN(); };
  expect_error<steer::numeric_error>([&] { steer::dose_within(1.0, nothing); }, "at a dose of 2 is nan");
  expect_error<steer::numeric_error>([&] { steer::best_dose(nothing); }, "is nan");
}

TEST(quantile, is_the_number_at_its_rank) {
  EXPECT_EQ(steer::quantile({5.0, 1.0, 3.0}, 0.5, "x"), 3.0);
  EXPECT_EQ(steer::quantile({5.0, 1.0, 3.0}, 0.0, "x"), 1.0);
  EXPECT_EQ(steer::quantile({5.0, 1.0, 3.0}, 1.0, "x"), 5.0);
  EXPECT_EQ(steer::quantile({1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0}, 0.95, "x"), 11.0) << "rank 9.5 is 10";
  expect_error<steer::argument_error>([] { steer::quantile({}, 0.5, "rows"); }, "rows", "of 0 numbers");
  expect_error<steer::argument_error>([] { steer::quantile({1.0}, 1.5, "rows"); }, "1.5");
}

}  // namespace
