#include "steer/extract/split_half.hpp"

#include <gtest/gtest.h>

#include <random>

#include "expect_error.hpp"
#include "steer/extract/mean_difference.hpp"
#include "toy.hpp"

namespace {

using steer::matrix;
using steer::pairing;

const auto by_mean = [](const auto& p, const auto& q) { return steer::mean_difference(p, q); };

constexpr int d = 32;

matrix<float> shifted(std::mt19937_64& engine, Eigen::Index n, float shift) {
  matrix<float> out = toy::random_rows<float>(engine, n, d);
  out.col(0).array() += shift;
  return out;
}

/// |mu|^2 / (|mu|^2 + tr Sigma / (n / 2)), Sigma the difference's covariance.
double predicted(double shift, double n) { return shift * shift / (shift * shift + 2.0 * d / (n / 2.0)); }

TEST(split_half_interval, agrees_with_its_prediction_and_covers_it) {
  int covered = 0;
  double mean = 0.0;
  constexpr int repeats = 60;
  for (unsigned seed = 0; seed < repeats; ++seed) {
    std::mt19937_64 engine(seed);
    const matrix<float> positive = shifted(engine, 40, 2.0F);
    const matrix<float> negative = shifted(engine, 40, 0.0F);
    const auto pairs = seed % 2 == 0 ? pairing::paired : pairing::unpaired;
    const steer::split_half found =
        steer::split_half_interval(positive, negative, pairs, by_mean, engine, {.repeats = 60});
    EXPECT_LE(found.low, found.cosine);
    EXPECT_LE(found.cosine, found.high);
    mean += found.cosine / repeats;
    covered += found.low <= predicted(2.0, 40.0) && predicted(2.0, 40.0) <= found.high ? 1 : 0;
  }
  EXPECT_NEAR(mean, predicted(2.0, 40.0), 0.03);
  EXPECT_GE(covered, repeats * 3 / 4) << "of 90 % bounds";
}

TEST(split_half_interval, narrows_with_more_texts) {
  std::mt19937_64 engine(3);
  const auto width = [&](Eigen::Index n) {
    const steer::split_half found = steer::split_half_interval(shifted(engine, n, 2.0F), shifted(engine, n, 0.0F),
                                                               pairing::paired, by_mean, engine);
    return found.high - found.low;
  };
  EXPECT_LT(width(200), 0.6 * width(20));
}

TEST(split_half_interval, comes_from_the_callers_engine) {
  std::mt19937_64 engine(3);
  const matrix<float> p = shifted(engine, 10, 1.0F);
  const matrix<float> q = shifted(engine, 12, 0.0F);
  const auto with = [&](unsigned seed) {
    std::mt19937_64 own(seed);
    return steer::split_half_interval(p, q, pairing::unpaired, by_mean, own, {.repeats = 20}).low;
  };
  EXPECT_EQ(with(1), with(1));
  EXPECT_NE(with(1), with(2));
}

TEST(split_half_interval, keeps_copies_in_one_half) {
  std::mt19937_64 engine(5);
  double found = 0.0;
  for (int repeat = 0; repeat < 20; ++repeat) {
    const matrix<float> p = shifted(engine, 10, 0.0F);
    const matrix<float> q = shifted(engine, 10, 0.0F);
    matrix<float> p_twice(20, d);
    matrix<float> q_twice(20, d);
    p_twice << p, p;
    q_twice << q, q;
    const auto pairs = repeat % 2 == 0 ? pairing::paired : pairing::unpaired;
    found += steer::split_half_interval(p_twice, q_twice, pairs, by_mean, engine, {.repeats = 20}).cosine / 20.0;
  }
  EXPECT_NEAR(found, 0.0, 0.1) << "noise does not repeat; copies in both halves would have .4";
}

TEST(split_half_interval, refuses_by_message) {
  std::mt19937_64 engine(3);
  const matrix<float> p = matrix<float>::Random(8, 3);
  const auto measure = [&](const matrix<float>& q, steer::split_half_options options = {}) {
    steer::split_half_interval(p, q, pairing::paired, by_mean, engine, options);
  };
  expect_error<steer::shape_error>([&] { measure(p.topRows(7)); }, "[8, 3]", "[7, 3]", "as many rows");
  expect_error<steer::shape_error>([&] { measure(p.leftCols(2)); }, "[8, 2]");
  expect_error<steer::argument_error>([&] { measure(p, {.repeats = 3}); }, "3 repeats");
  expect_error<steer::argument_error>([&] { measure(p, {.confidence = 1.0}); }, "confidence 1");
  const matrix<float> three = p.topRows(3);
  expect_error<steer::numeric_error>(
      [&] { steer::split_half_interval(three, three, pairing::paired, by_mean, engine); }, "3 positive and 3 negative",
      "at least 4");
  matrix<float> copies(4, 3);
  copies << three, three.topRows(1);
  expect_error<steer::numeric_error>(
      [&] { steer::split_half_interval(copies, copies, pairing::paired, by_mean, engine); },
      "3 positive and 3 negative texts that differ");
}

}  // namespace
