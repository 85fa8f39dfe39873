#include "steer/compose/algebra.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include "expect_error.hpp"
#include "steer/compose/joint_dose.hpp"
#include "toy.hpp"

namespace {

using steer::steering_vector;

double distance(const steering_vector& a, const steering_vector& b) {
  double worst = 0.0;
  for (const auto& [layer, v] : a.directions) {
    worst = std::max(worst, static_cast<double>((v.values - b.directions.at(layer).values).norm()));
  }
  return worst;
}

TEST(algebra, steering_vectors_form_a_vector_space) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const steering_vector a = toy::random_vector(engine, {1, 3}, 9);
    const steering_vector b = toy::random_vector(engine, {1, 3}, 9);
    const steering_vector c = toy::random_vector(engine, {1, 3}, 9);
    constexpr double rounding = 1e-5;
    EXPECT_LE(distance(a + b, b + a), 0.0);
    EXPECT_LE(distance((a + b) + c, a + (b + c)), rounding);
    EXPECT_LE(distance(2.0 * (a + b), 2.0 * a + 2.0 * b), rounding);
    EXPECT_LE(distance(0.5 * a + 1.5 * a, 2.0 * a), rounding);
    EXPECT_LE(distance(a - b, a + -1.0 * b), 0.0);
    EXPECT_LE(distance(a * 3.0, 3.0 * a), 0.0);
    EXPECT_LE(distance(a / 4.0, 0.25 * a), 0.0);
    EXPECT_LE(distance(-(-a), a), 0.0);
  }
}

TEST(algebra, a_sum_keeps_only_what_belongs_to_it) {
  std::mt19937_64 engine(1);
  steering_vector a = toy::random_vector(engine, {1}, 4);
  steering_vector b = toy::random_vector(engine, {1}, 4);
  a.name = "happy";
  b.name = "formal";
  a.source = {.model = "m", .fingerprint = "f", .method = "mean_difference", .contrast = "happy - sad", .positives = 3};
  b.source = {.method = "probe", .contrast = "formal - casual", .positives = 4};
  a.directions[1].row_norm = 2.0;
  b.directions[1].row_norm = 4.0;
  a.directions[1].evidence.auroc = 1.0;
  a.directions[1].origin = Eigen::Vector4f::Ones();
  const steering_vector sum = a + b;
  EXPECT_EQ(sum.name, "happy + formal");
  EXPECT_EQ(sum.source.model, "m");
  EXPECT_EQ(sum.source.method, "mean_difference + probe");
  EXPECT_EQ(sum.source.contrast, "(happy - sad) + (formal - casual)");
  EXPECT_EQ(sum.source.positives, 7U);
  EXPECT_EQ(sum.directions.at(1).row_norm, 3.0);
  EXPECT_FALSE(sum.directions.at(1).spread);
  EXPECT_FALSE(sum.directions.at(1).evidence.auroc);
  EXPECT_EQ(sum.directions.at(1).origin.size(), 0);
  EXPECT_EQ((0.5 * a).name, "0.5 happy");
}

TEST(algebra, a_negative_multiple_reads_the_other_side) {
  std::mt19937_64 engine(1);
  steering_vector a = toy::random_vector(engine, {1}, 4);
  a.directions[1].evidence = {.norm_ratio = 0.5, .auroc = 0.9, .d_prime = 2.0, .coherence = 0.4, .majority = 0.75};
  const steer::evidence e = (-a).directions.at(1).evidence;
  EXPECT_NEAR(*e.auroc, 0.1, 1e-12);
  EXPECT_EQ(*e.d_prime, -2.0);
  EXPECT_EQ(*e.coherence, -0.4);
  EXPECT_EQ(*e.majority, 0.25);
  EXPECT_EQ(*e.norm_ratio, 0.5);
  EXPECT_EQ(*(-2.0 * a).directions.at(1).evidence.norm_ratio, 1.0);
  EXPECT_EQ(*(2.0 * a).directions.at(1).evidence.auroc, 0.9);
}

TEST(algebra, what_one_vector_knows_of_its_model_is_not_lost) {
  std::mt19937_64 engine(1);
  const steering_vector unknown = toy::random_vector(engine, {1}, 4);
  steering_vector known = toy::random_vector(engine, {1}, 4);
  known.source.model = "m";
  known.source.fingerprint = "f";
  EXPECT_EQ((unknown + known).source.fingerprint, "f");
  EXPECT_EQ((unknown + known).source.model, "m");
  EXPECT_EQ((known + unknown).source.fingerprint, "f");
  const auto made = steer::solve_joint_dose({unknown, known}, {1.0, 1.0}, {.unit = steer::strength_unit::unit});
  EXPECT_EQ(made.move.source.fingerprint, "f");
  steering_vector other = toy::random_vector(engine, {1}, 4);
  other.source.fingerprint = "g";
  expect_error<steer::argument_error>(
      [&] {
        steer::solve_joint_dose({unknown, known, other}, {1.0, 1.0, 1.0}, {.unit = steer::strength_unit::unit});
      },
      "with other weights");
}

TEST(algebra, fingerprints_that_say_less_meet_and_the_longer_one_stays) {
  std::mt19937_64 engine(3);
  steering_vector a = toy::random_vector(engine, {1}, 4);
  steering_vector b = toy::random_vector(engine, {1}, 4);
  a.source = {.model = "sampled", .fingerprint = "gguf:a/1"};
  b.source = {.model = "plain", .fingerprint = "gguf:a"};
  const steering_vector sum = a + b;
  const steering_vector other_way = b + a;
  EXPECT_EQ(sum.source.fingerprint, "gguf:a/1");
  EXPECT_EQ(other_way.source.fingerprint, "gguf:a/1");
  EXPECT_EQ(other_way.source.model, "sampled");
  b.source.fingerprint = "gguf:a/2";
  expect_error<steer::argument_error>([&] { a + b; }, "\"plain\" with other weights");
  expect_error<steer::argument_error>([&] { other_way + b; }, "\"plain\" with other weights");
  a.source.fingerprint = "gguf:ab";
  b.source.fingerprint = "gguf:a";
  expect_error<steer::argument_error>([&] { a + b; }, "with other weights");
  expect_error<steer::argument_error>([&] { b + a; }, "with other weights");
}

TEST(algebra, refuses_by_message) {
  std::mt19937_64 engine(2);
  steering_vector a = toy::random_vector(engine, {1, 2}, 4);
  a.name = "a";
  steering_vector b = a;
  b.name = "b";
  const auto refuse_shape = [&](const auto&... parts) { expect_error<steer::shape_error>([&] { a + b; }, parts...); };
  b.directions.erase(2);
  refuse_shape("\"a\" has layer 2, \"b\" has not");
  expect_error<steer::shape_error>([&] { b + a; }, "\"a\" has layer 2, \"b\" has not");
  b = toy::random_vector(engine, {1, 2}, 5);
  refuse_shape("has width 4", "has 5");
  b = a;
  b.point = steer::point::mlp_out;
  expect_error<steer::argument_error>([&] { a + b; }, "residual_out", "mlp_out", "one point");
  b = a;
  a.source.fingerprint = "1";
  b.source.fingerprint = "2";
  expect_error<steer::argument_error>([&] { a + b; }, "other weights");
  expect_error<steer::numeric_error>([&] { a - a; }, "layer 1: the sum is zero");
  expect_error<steer::numeric_error>([&] { 0.0 * a; }, "factor is 0");
  expect_error<steer::numeric_error>([&] { a / 0.0; }, "factor is inf");
}

TEST(algebra, errors_have_fields) {
  std::mt19937_64 engine(1);
  steering_vector a = toy::random_vector(engine, {2, 4}, 5);
  steering_vector b = toy::random_vector(engine, {2}, 5);
  a.name = "a: x";
  b.name = "b";
  expect_fields<steer::shape_error>([&] { a + b; }, {.what = "a: x + b", .layer = 4, .expected = "the same layers"});
  b = toy::random_vector(engine, {2, 4}, 6);
  b.name = "b";
  expect_fields<steer::shape_error>([&] { a + b; }, {.what = "a: x + b", .expected = "5", .actual = "6"});
  expect_fields<steer::numeric_error>(
      [&] { a - a; }, {.what = "a: x + -a: x", .layer = 2, .expected = "a norm above 0", .actual = "zero"});
}

}  // namespace
