#include "steer/extract/mean_difference.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "expect_error.hpp"
#include "toy.hpp"

namespace {

TEST(mean_difference, of_matrices) {
  steer::matrix<float> positive(2, 3);
  positive << 1, 2, 3, 3, 4, 5;
  steer::matrix<float> negative(1, 3);
  negative << 1, 1, 1;
  EXPECT_EQ(steer::mean_difference(positive, negative), Eigen::Vector3d(1, 2, 3));
  const Eigen::MatrixXf column_major = positive;
  EXPECT_EQ(steer::mean_difference(column_major, negative), Eigen::Vector3d(1, 2, 3));
}

TEST(mean_difference, refuses_shapes_and_numbers) {
  const steer::matrix<float> two = steer::matrix<float>::Ones(2, 3);
  const steer::matrix<float> wide = steer::matrix<float>::Ones(2, 4);
  const steer::matrix<float> none(0, 3);
  steer::matrix<float> bad = two;
  bad(1, 1) = std::numeric_limits<float>::infinity();
  expect_error<steer::shape_error>([&] { steer::mean_difference(two, wide); }, "[2, 3]", "[2, 4]");
  expect_error<steer::shape_error>([&] { steer::mean_difference(none, two); }, "[0, 3]");
  expect_error<steer::numeric_error>([&] { steer::mean_difference(bad, two); }, "not finite");
}

/// Texts of one letter each, their rows drawn around +-shift along the first axis.
struct contrast {
  static constexpr int texts = 12;
  std::mt19937_64 engine;
  toy::host model;
  steer::recorder recorder;

  contrast(std::uint64_t seed, float shift)
      : engine(seed), model{.embedding = toy::random_rows<float>(engine, 1 + 2 * texts, 3)}, recorder(model.shape()) {
    for (int i = 0; i < texts; ++i) {
      model.embedding(1 + i, 0) += shift;
      model.embedding(1 + texts + i, 0) -= shift;
    }
    for (int i = 0; i < texts; ++i) {
      recorder.record(model, std::string(1, static_cast<char>('a' + i)), std::string(1, static_cast<char>('a' + texts + i)));
    }
  }
};

TEST(mean_difference, of_a_recorder_carries_provenance_norms_and_evidence) {
  contrast c(5, 4.0F);
  const steer::steering_vector v = steer::mean_difference(c.recorder, {.name = "up", .contrast = "up - down"});
  EXPECT_EQ(v.name, "up");
  EXPECT_EQ(v.source.method, "mean_difference");
  EXPECT_EQ(v.source.contrast, "up - down");
  EXPECT_EQ(v.source.tokens, "positions from 1");
  EXPECT_EQ(v.source.model, "toy");
  EXPECT_EQ(v.source.positives, 12U);
  EXPECT_EQ(v.source.negatives, 12U);
  ASSERT_EQ(v.directions.size(), 2U);
  for (const auto& [layer, here] : v.directions) {
    const auto positive = c.recorder.texts(layer, steer::side::positive);
    const auto negative = c.recorder.texts(layer, steer::side::negative);
    EXPECT_LE((here.values.cast<double>() - steer::mean_difference(positive, negative)).norm(), 1e-5);
    EXPECT_NEAR(here.row_norm.value(), c.model.embedding.bottomRows(24).rowwise().norm().mean() * float(layer + 1), 1e-4);
    EXPECT_NEAR(here.evidence.norm_ratio.value(), here.values.norm() / here.row_norm.value(), 1e-6);
    EXPECT_GT(here.evidence.auroc.value(), 0.99);
    EXPECT_GT(here.evidence.d_prime.value(), 4.0);
    EXPECT_GT(here.evidence.split_half_cosine.value(), 0.95);
    EXPECT_GT(here.evidence.coherence.value(), 0.9);
    EXPECT_LE((here.origin - 0.5F * (positive.colwise().mean() + negative.colwise().mean()).transpose()).norm(), 1e-5F);
    EXPECT_GT(here.spread.value(), 3.0);
  }
}

TEST(mean_difference, evidence_of_noise_says_nothing) {
  double auroc = 0.0;
  double d_prime = 0.0;
  constexpr int repeats = 200;
  for (std::uint64_t seed = 0; seed < repeats; ++seed) {
    const steer::steering_vector v = steer::mean_difference(contrast(seed, 0.0F).recorder, {.name = "noise"});
    auroc += v.directions.at(0).evidence.auroc.value() / repeats;
    d_prime += v.directions.at(0).evidence.d_prime.value() / repeats;
  }
  // One fold's AUROC of 2 or 3 against 2 or 3 texts has a standard deviation of about .3; five folds and 200 repeats
  // leave .01. A direction that had seen its judges would reach about .7.
  EXPECT_NEAR(auroc, 0.5, 0.05);
  EXPECT_NEAR(d_prime, 0.0, 0.3);
}

TEST(mean_difference, leaves_out_evidence_that_too_few_texts_allow) {
  std::mt19937_64 engine(6);
  toy::host model{.embedding = toy::random_rows<float>(engine, 27, 3)};
  steer::recorder one{model.shape()};
  one.record(model, "a", "b");
  const steer::steering_vector v = steer::mean_difference(one, {.name = "one pair"});
  EXPECT_FALSE(v.directions.at(0).evidence.auroc.has_value());
  EXPECT_FALSE(v.directions.at(0).evidence.split_half_cosine.has_value());
  EXPECT_FALSE(v.directions.at(0).evidence.coherence.has_value()) << "one pair always agrees with itself";
  one.record(model, "c", steer::side::positive);
  EXPECT_FALSE(steer::mean_difference(one, {.name = "x"}).directions.at(0).evidence.coherence.has_value());
}

TEST(mean_difference, refuses_a_missing_side_and_equal_sides) {
  std::mt19937_64 engine(7);
  toy::host model{.embedding = toy::random_rows<float>(engine, 27, 3)};
  steer::recorder made{model.shape()};
  made.record(model, "a", steer::side::positive);
  expect_error<steer::numeric_error>([&] { steer::mean_difference(made, {.name = "half"}); }, "\"half\"",
                                     "1 positive and 0 negative");
  made.record(model, "a", steer::side::negative);
  expect_error<steer::numeric_error>([&] { steer::mean_difference(made, {.name = "none"}); }, "\"none\", layer 0", "same mean");
}

TEST(mean_difference, refuses_the_same_texts_in_another_order) {  // their means differ by rounding
  std::mt19937_64 engine(8);
  toy::host model{.embedding = toy::random_rows<float>(engine, 27, 3)};
  steer::recorder made{model.shape()};
  for (const char* text : {"abc", "defghij", "klm", "nop"}) {
    made.record(model, text, steer::side::positive);
  }
  for (const char* text : {"nop", "klm", "abc", "defghij"}) {
    made.record(model, text, steer::side::negative);
  }
  expect_error<steer::numeric_error>([&] { steer::mean_difference(made, {.name = "same"}); }, "layer 0", "same mean");
}

TEST(measure_evidence, gives_a_d_prime_that_does_not_explode_in_small_folds) {
  // One dimension, d' = 2, six texts a side: folds of two. Variances of single folds gave figures above 80.
  double mean = 0.0;
  double largest = 0.0;
  constexpr int repeats = 1000;
  const auto method = [](const auto& p, const auto& q) { return steer::mean_difference(p, q); };
  std::mt19937_64 engine(9);
  for (int repeat = 0; repeat < repeats; ++repeat) {
    steer::matrix<float> positive = toy::random_rows<float>(engine, 6, 1);
    const steer::matrix<float> negative = toy::random_rows<float>(engine, 6, 1);
    positive.array() += 2.0F;
    const Eigen::VectorXd v = method(positive, negative);
    const double found = steer::measure_evidence(positive, negative, steer::pairing::paired, v, 1.0, method).d_prime.value();
    mean += found / repeats;
    largest = std::max(largest, std::abs(found));
  }
  EXPECT_NEAR(mean, 2.0, 0.5);
  EXPECT_LT(largest, 15.0);
}

TEST(measure_evidence, refuses_what_does_not_fit) {
  const steer::matrix<float> two = steer::matrix<float>::Random(2, 3);
  const steer::matrix<float> one = two.topRows(1);
  const auto method = [](const auto& p, const auto& q) { return steer::mean_difference(p, q); };
  const auto measure = [&](const steer::matrix<float>& negative, const Eigen::VectorXd& v) {
    return steer::measure_evidence(two, negative, steer::pairing::paired, v, 1.0, method);
  };
  expect_error<steer::shape_error>([&] { measure(two, Eigen::VectorXd::Ones(2)); }, "positive is [2, 3]", "expected width 2");
  expect_error<steer::shape_error>([&] { measure(one, Eigen::VectorXd::Ones(3)); }, "[1, 3]", "as many rows");
  expect_error<steer::numeric_error>([&] { measure(two, Eigen::VectorXd::Constant(3, std::nan(""))); }, "not finite");
}

TEST(mean_difference, errors_have_the_layer_in_a_field) {
  toy::host model{.embedding = steer::matrix<float>::Ones(27, 3)};
  steer::recorder recorded{model.shape(), {.layers = {1}}};
  recorded.record(model, "ab", "cd");
  expect_fields<steer::numeric_error>(
      [&] { steer::mean_difference(recorded, {.name = "x: y"}); },
      {.what = "mean_difference \"x: y\"", .layer = 1, .expected = "a norm above 0", .actual = "the same mean"});
}

}  // namespace
