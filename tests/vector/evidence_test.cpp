#include "steer/vector/evidence.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "expect_error.hpp"

namespace {

TEST(verdict, claims_no_more_than_reading) {
  steer::evidence e;
  EXPECT_EQ(verdict(e), "too few texts to judge");
  e.auroc = 0.6;
  EXPECT_EQ(verdict(e), "does not separate texts that it has not seen");
  e.auroc = 1.0;
  EXPECT_EQ(verdict(e), "separates, not yet shown to steer");
  e.split_half_cosine = 0.3;
  EXPECT_EQ(verdict(e), "separates, but the halves of the texts find different directions");
  e.split_half_cosine = 0.9;
  e.coherence = -0.1;
  EXPECT_EQ(verdict(e), "separates, but the pairs contradict each other");
  e.coherence = 0.4;
  EXPECT_EQ(verdict(e), "separates, not yet shown to steer");
  e.copied = 0.0;
  EXPECT_EQ(verdict(e), "separates, not yet shown to steer");
  e.copied = 0.126;
  EXPECT_EQ(verdict(e), "separates, but 13 % of the texts are copies of others; not yet shown to steer");
}

TEST(evidence, refuses_numbers_that_cannot_be_what_they_are_called) {
  expect_error<steer::numeric_error>([] { check(steer::evidence{.explained_variance = 1.5}, "v"); },
                                     "v: explained_variance is 1.5; expected 0 to 1");
  expect_error<steer::numeric_error>([] { check(steer::evidence{.majority = -0.5}, "v"); }, "majority is -0.5");
  expect_error<steer::numeric_error>([] { check(steer::evidence{.split_half_low = std::nan("")}, "v"); },
                                     "split_half_low is nan");
  expect_error<steer::numeric_error>([] { check(steer::evidence{.split_half_high = 2.0}, "v"); },
                                     "split_half_high is 2");
}

}  // namespace
