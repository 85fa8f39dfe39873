#include "steer/extract/find_directions.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

#include "expect_error.hpp"
#include "steer/recipe/recipe.hpp"
#include "toy.hpp"

namespace {

using steer::matrix;

/// Texts of one letter each, their rows drawn around +-shift along the first axis.
struct contrast {
  static constexpr int texts = 12;
  std::mt19937_64 engine;
  toy::host model;
  steer::recorder recorder;

  explicit contrast(std::uint64_t seed)
      : engine(seed), model{.embedding = toy::random_rows<float>(engine, 1 + 2 * texts, 3)}, recorder(model.shape()) {
    for (int i = 0; i < texts; ++i) {
      model.embedding(1 + i, 0) += 4.0F;
      model.embedding(1 + texts + i, 0) -= 4.0F;
    }
    for (int i = 0; i < texts; ++i) {
      record(i, texts + i);
    }
  }
  void record(int positive, int negative) {
    recorder.record(model, std::string(1, static_cast<char>('a' + positive)),
                     std::string(1, static_cast<char>('a' + negative)));
  }
};

template <class Method>
void expect_a_measured_vector(const Method& method, const std::string& name) {
  SCOPED_TRACE(name);
  const contrast c(5);
  const steer::steering_vector v = steer::find_directions(c.recorder, {.name = "up", .contrast = "up - down"}, method);
  EXPECT_EQ(v.name, "up");
  EXPECT_EQ(v.source.method, name);
  EXPECT_EQ(v.source.contrast, "up - down");
  EXPECT_EQ(v.source.positives, 12U);
  ASSERT_EQ(v.directions.size(), 2U);
  const steer::steering_vector mean = steer::mean_difference(c.recorder, {.name = "up"});
  for (const auto& [layer, here] : v.directions) {
    SCOPED_TRACE("layer " + std::to_string(layer));
    const steer::direction& plain = mean.directions.at(layer);
    EXPECT_GT(unit(here).dot(unit(plain)), 0.8);
    EXPECT_NEAR(here.values.norm(), unit(here).dot(plain.values.cast<double>()), 1e-5)
        << "the means' distance along it";
    EXPECT_EQ(here.row_norm, plain.row_norm);
    EXPECT_LE((here.origin - plain.origin).norm(), 1e-5);
    EXPECT_GT(*here.spread, 1.0);
    EXPECT_EQ(*here.evidence.auroc, 1.0);
    EXPECT_EQ(*here.evidence.majority, 1.0);
    EXPECT_GT(*here.evidence.d_prime, 4.0);
    EXPECT_GT(*here.evidence.explained_variance, 0.7);
    EXPECT_EQ(verdict(here.evidence), "separates, not yet shown to steer");
  }
  steer::recipe recipe;
  recipe.add(v, {.strength = 0.2F});
  EXPECT_EQ(recipe.edits().size(), 1U);
}

TEST(find_directions, returns_a_measured_vector_by_any_method) {
  expect_a_measured_vector(steer::by_mean_difference{}, "mean_difference");
  expect_a_measured_vector(steer::by_principal_component{}, "principal_component of differences");
  expect_a_measured_vector(steer::by_principal_component{{.of = steer::component_of::pooled}},
                           "principal_component, pooled");
  expect_a_measured_vector(steer::by_whitened_difference{{.shrinkage = 0.5}}, "whitened_difference, shrinkage 0.5");
  expect_a_measured_vector(steer::by_probe{{.penalty = 0.1}}, "probe, penalty 0.1");
}

TEST(find_directions, by_mean_difference_is_mean_difference) {
  const contrast c(6);
  const steer::steering_vector found = steer::find_directions(c.recorder, {.name = "up"}, steer::by_mean_difference{});
  const steer::steering_vector streamed = steer::mean_difference(c.recorder, {.name = "up"});
  for (const auto& [layer, here] : found.directions) {
    EXPECT_LE((here.values - streamed.directions.at(layer).values).norm(), 1e-5);
    EXPECT_EQ(here.evidence.auroc, streamed.directions.at(layer).evidence.auroc);
  }
}

TEST(find_directions, with_an_engine_bounds_the_split_half_cosine) {
  const contrast c(6);
  std::mt19937_64 engine(1);
  const auto method = steer::by_whitened_difference{{.shrinkage = 0.5}};
  const steer::steering_vector plain = steer::find_directions(c.recorder, {.name = "up"}, method);
  const steer::steering_vector bounded =
      steer::find_directions(c.recorder, {.name = "up"}, method, engine, {.repeats = 40});
  for (const auto& [layer, here] : bounded.directions) {
    const steer::evidence& e = here.evidence;
    EXPECT_EQ(here.values, plain.directions.at(layer).values);
    EXPECT_FALSE(plain.directions.at(layer).evidence.split_half_low);
    EXPECT_LE(*e.split_half_low, *e.split_half_cosine);
    EXPECT_LE(*e.split_half_cosine, *e.split_half_high);
    EXPECT_GT(*e.split_half_low, 0.5);
  }
}

TEST(find_directions, takes_a_pair_that_comes_twice_as_mean_difference_does) {
  contrast c(7);
  const auto find = [&c] { return steer::find_directions(c.recorder, {.name = "up"}, steer::by_mean_difference{}); };
  const steer::steering_vector once = find();
  c.record(3, 15);
  const steer::steering_vector twice = find();
  const steer::steering_vector streamed = steer::mean_difference(c.recorder, {.name = "up"});
  for (const auto& [layer, here] : twice.directions) {
    EXPECT_NE(here.values, once.directions.at(layer).values) << "it counts twice in the mean";
    EXPECT_EQ(here.evidence.auroc, streamed.directions.at(layer).evidence.auroc);
    EXPECT_EQ(here.evidence.d_prime, streamed.directions.at(layer).evidence.d_prime);
  }
}

TEST(find_directions, finds_from_as_few_texts_as_the_method_can) {
  std::mt19937_64 engine(3);
  for (const Eigen::Index n : {2, 3}) {
    const matrix<float> p = toy::random_rows<float>(engine, n, 4);
    const matrix<float> q = toy::random_rows<float>(engine, n, 4);
    const steer::direction found = steer::find_direction(p, q, steer::by_whitened_difference{});
    EXPECT_FALSE(found.evidence.split_half_cosine) << "halves of one text have no covariance";
  }
}

TEST(find_directions, bounds_the_halves_of_a_method_that_needs_two_different_texts) {
  std::mt19937_64 engine(3);
  const matrix<float> p = toy::random_rows<float>(engine, 4, 3);
  const matrix<float> q = toy::random_rows<float>(engine, 4, 3);
  const auto method = steer::by_whitened_difference{{.shrinkage = 0.5}};
  EXPECT_NO_THROW(steer::split_half_interval(p, q, steer::pairing::paired, method, engine))
      << "every other draw of two is one text twice";
}

TEST(find_directions, refuses_bad_data_by_message) {
  const contrast c(7);
  const auto find = [](const steer::recorder& r) { steer::find_directions(r, {.name = "up"}, steer::by_probe{}); };
  expect_error<steer::numeric_error>([&] { find(steer::recorder{c.model.shape()}); }, "0 positive and 0 negative");
  const matrix<float> some = matrix<float>::Random(4, 3);
  const auto of = [](const matrix<float>& p, const matrix<float>& q, steer::side_facts facts = {}) {
    steer::find_direction(p, q, steer::by_mean_difference{}, facts);
  };
  expect_error<steer::numeric_error>([&] { of(some, matrix<float>::Ones(4, 3)); },
                                     "negative: all 4 samples are the same");
  expect_error<steer::numeric_error>([&] { of(some, some); }, "the same mean");
  expect_error<steer::argument_error>(
      [&] { steer::find_direction(some, matrix<float>(-some), steer::by_principal_component{}); },
      "differences needs pairs");
  expect_error<steer::shape_error>([&] { of(some, matrix<float>::Random(4, 2)); }, "width 3", "width 2");
  expect_error<steer::shape_error>([&] { of(some, matrix<float>::Random(3, 3), {steer::pairing::paired}); },
                                   "no pairs");
  matrix<float> bad = some;
  bad(1, 1) = std::nanf("");
  expect_error<steer::numeric_error>([&] { of(bad, some); }, "positive: sample 1 holds NaN");
  expect_error<steer::numeric_error>([&] { of(matrix<float>(0, 3), some); }, "has 0 samples");
  struct sideways {
    std::string name() const { return "sideways"; }
    Eigen::VectorXd operator()(const matrix<float>&, const matrix<float>&) const { return Eigen::Vector2d(0.0, 1.0); }
  };
  matrix<float> right(2, 2);
  right << 1, 0, 1, 1;
  matrix<float> left(2, 2);
  left << 0, 0, 0, 1;
  expect_error<steer::numeric_error>([&] { steer::find_direction(right, left, sideways{}); },
                                     "do not differ along what sideways");
}

TEST(find_direction, keeps_the_way_that_a_method_points) {
  struct backwards {
    std::string name() const { return "backwards"; }
    Eigen::VectorXd operator()(const matrix<float>& p, const matrix<float>& q) const {
      return -steer::mean_difference(p, q);
    }
  };
  std::mt19937_64 engine(2);
  const matrix<float> p = toy::random_rows<float>(engine, 9, 4);
  const matrix<float> q = toy::random_rows<float>(engine, 9, 4);
  const steer::direction there = steer::find_direction(p, q, steer::by_mean_difference{});
  const steer::direction back = steer::find_direction(p, q, backwards{});
  EXPECT_LE((there.values + back.values).norm(), 1e-6);
}

}  // namespace
