// measure_response, take_readings, predict, dose, decouple: on a host whose response is known.
#include "steer/inject/plan.hpp"
#include "steer/measure/measure_response.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "steer/measure/decouple.hpp"
#include "steer/measure/dose.hpp"
#include "steer/measure/meet_targets.hpp"
#include "steer/measure/take_readings.hpp"
#include "steer/recipe/recipe_of.hpp"
#include "toy.hpp"

namespace {

/// A model of one layer whose logits are its activations times a matrix. Token t's row is the embedding's row t; the head
/// may bend: logits = head (h + bend |h|² / d).
struct linear_host {
  steer::matrix<float> embedding;  // [V, d]
  steer::matrix<float> head;       // [V, d]
  double bend = 0.0;
  steer::model_shape model;
  std::size_t passes = 0;

  linear_host(std::mt19937_64& engine, Eigen::Index vocabulary, Eigen::Index width)
      : embedding(toy::random_rows<float>(engine, vocabulary, width)),
        head(toy::random_rows<float>(engine, vocabulary, width)),
        model(toy::shape(1, width)) {}

  const steer::model_shape& shape() const { return model; }
  void evaluate(std::span<const std::int32_t> tokens, steer::hook_ref<float> hook) { run(tokens, hook); }
  void logits(std::span<const std::vector<std::int32_t>> texts, steer::hook_ref<float> hook, const steer::logits_sink& sink) {
    ++passes;
    for (std::size_t t = 0; t < texts.size(); ++t) {
      const steer::matrix<float> h = run(texts[t], hook);
      const Eigen::VectorXf size = h.rowwise().squaredNorm() * static_cast<float>(bend) / static_cast<float>(h.cols());
      const steer::matrix<float> out = (h.colwise() + size) * head.transpose();
      sink(t, {out.data(), out.rows(), out.cols()});
    }
  }

 private:
  steer::matrix<float> run(std::span<const std::int32_t> tokens, steer::hook_ref<float> hook) {
    steer::matrix<float> rows(static_cast<Eigen::Index>(tokens.size()), embedding.cols());
    std::vector<steer::row_info> info(tokens.size());
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      rows.row(static_cast<Eigen::Index>(i)) = embedding.row(tokens[i]);
      info[i] = {tokens[i], static_cast<std::int32_t>(i), 0, static_cast<std::int32_t>(tokens.size()), steer::phase::prompt};
    }
    const steer::site here{0, steer::point::residual_out};
    if (hook.access(here) != steer::access::none) {
      hook(here, toy::view(rows, info));
    }
    return rows;
  }
};
static_assert(steer::logits_host<linear_host>);

std::vector<steer::token_text> random_texts(std::mt19937_64& engine, std::size_t count, int vocabulary) {
  std::vector<steer::token_text> out(count);
  for (steer::token_text& text : out) {
    for (std::size_t t = 0; t < 3 + engine() % 4; ++t) {
      text.push_back(static_cast<std::int32_t>(engine() % static_cast<std::uint64_t>(vocabulary)));
    }
  }
  return out;
}

/// Three concepts, each the log-odds of one token against another: for them the response of a linear host is exact.
struct known {
  explicit known(std::uint64_t seed) : engine(seed), host(engine, 12, 16) {
    const auto texts = random_texts(engine, 20, 12);
    for (int i = 0; i < 3; ++i) {
      vectors.push_back(toy::random_vector(engine, {0}, 16));
      vectors.back().name = "concept " + std::to_string(i);
      readouts.push_back(steer::token_set_readout({.name = vectors.back().name, .positive = {2 * i}, .negative = {2 * i + 1}}, texts));
    }
  }

  /// Nats per unit of `of_norm` dose, from the weights.
  double slope(int readout, std::size_t vector) const {
    const steer::direction& v = vectors[vector].directions.at(0);
    return steer::unit(v).dot((host.head.row(2 * readout) - host.head.row(2 * readout + 1)).cast<double>().transpose()) *
           *v.row_norm;
  }

  std::mt19937_64 engine;
  linear_host host;
  std::vector<steer::steering_vector> vectors;
  std::vector<steer::readout> readouts;
};

TEST(measure_response, is_exact_where_the_model_is_linear) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    known at(seed);
    const steer::response found = steer::measure_response(at.host, at.vectors, at.readouts, {.step = 0.2});
    EXPECT_EQ(at.host.passes, 13U) << "4 k + 1, all readouts in one";
    for (int i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j) {
        const double expected = at.slope(i, j);
        EXPECT_NEAR(found.slope(i, static_cast<Eigen::Index>(j)), expected, 1e-4 * (1.0 + std::abs(expected)));
        EXPECT_LT(found.error(i, static_cast<Eigen::Index>(j)), 1e-4) << "every text moves alike";
        EXPECT_NEAR(found.bend(i, static_cast<Eigen::Index>(j)), 0.0, 1e-3);
      }
    }
  }
}

TEST(measure_response, of_recipes_is_that_of_the_vectors_in_them) {
  known at(3);
  std::vector<steer::recipe> recipes(3);
  for (std::size_t j = 0; j < 3; ++j) {
    recipes[j].add(at.vectors[j], {.strength = 0.5F});
  }
  const steer::response whole = steer::measure_response(at.host, at.vectors, at.readouts, {.step = 0.2});
  const steer::response half = steer::measure_response(at.host, recipes, at.readouts, {.step = 0.4});
  EXPECT_EQ(half.vectors, half.readouts) << "each is named as its readout";
  EXPECT_LT((2.0 * half.slope - whole.slope).cwiseAbs().maxCoeff(), 1e-6 * whole.slope.cwiseAbs().maxCoeff());
  const std::vector<double> doses{0.3, -0.2, 0.1};
  const auto before = steer::take_readings(at.host, at.readouts);
  const steer::plan plan(steer::recipe_of(recipes, doses), at.host.shape());
  const auto after = steer::take_readings(at.host, at.readouts, plan);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(steer::shift_of(before[i], after[i]).value, steer::predict(half, doses)[i].value, 1e-4);
  }
  const std::size_t passes = at.host.passes;
  expect_error<steer::argument_error>([&] { steer::measure_response(at.host, recipes, at.readouts, {.controls = 2}); }, "2 controls",
                                      "none with recipes");
  recipes[1].ablate(at.vectors[1]);
  expect_error<steer::argument_error>([&] { steer::measure_response(at.host, recipes, at.readouts); }, "no dose");
  recipes.pop_back();
  expect_error<steer::argument_error>([&] { steer::measure_response(at.host, recipes, at.readouts); }, "2 recipes and 3 readouts");
  EXPECT_EQ(at.host.passes, passes);
}

TEST(measure_response, random_directions_show_what_any_push_does) {
  known at(5);
  at.vectors[0].directions.at(0).values = (at.host.head.row(0) - at.host.head.row(1)).transpose();  // what its readout reads
  for (steer::steering_vector& v : at.vectors) {
    v.directions.at(0).row_norm = 2.0;
  }
  const steer::response found = steer::measure_response(at.host, at.vectors, at.readouts, {.step = 0.2, .controls = 300});
  EXPECT_EQ(at.host.passes, 13U + 600U);
  for (int i = 0; i < 3; ++i) {
    const auto read = (at.host.head.row(2 * i) - at.host.head.row(2 * i + 1)).cast<double>();
    EXPECT_NEAR(found.random_slope[i] / (2.0 * read.norm() / std::sqrt(16.0)), 1.0, 0.15);
  }
  const auto warned = [&](const std::string& name) {
    return std::any_of(found.warnings.begin(), found.warnings.end(), [&](const std::string& warning) {
      return warning.find("readout \"" + name + "\": random directions move it") != std::string::npos;
    });
  };
  EXPECT_FALSE(warned("concept 0"));
  EXPECT_TRUE(warned("concept 1")) << "its vector is a random direction itself";
  EXPECT_EQ(steer::measure_response(at.host, at.vectors, at.readouts, {.step = 0.2}).random_slope.size(), 0);
  expect_error<steer::argument_error>([&] { steer::measure_response(at.host, at.vectors, at.readouts, {.controls = -1}); },
                                      "with -1 controls");
}

TEST(measure_response, doses_meet_their_targets_and_predictions_hold) {
  known at(3);
  const steer::response found = steer::measure_response(at.host, at.vectors, at.readouts, {.step = 0.2});
  const std::vector<double> targets{1.5, 0.0, -0.7};
  const steer::dosed given = steer::dose(at.vectors, found, targets, {.invertible = {.most_condition = 1e6}});
  const steer::plan acting{given.recipe, at.host.shape()};
  const auto before = steer::take_readings(at.host, at.readouts, acting);
  const auto base = steer::take_readings(at.host, at.readouts);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(steer::shift_of(base[i], before[i]).value, targets[i], 1e-3);
    EXPECT_NEAR(given.expected[i].value, targets[i], 1e-9);
  }
}

TEST(measure_response, decoupled_vectors_move_their_own_readout_as_before_and_no_other) {
  known at(5);
  const steer::response found = steer::measure_response(at.host, at.vectors, at.readouts, {.step = 0.2});
  const auto decoupled = steer::decouple(at.vectors, found, {.most_condition = 1e6});
  const auto base = steer::take_readings(at.host, at.readouts);
  for (std::size_t j = 0; j < 3; ++j) {
    steer::recipe recipe;
    recipe.add(decoupled[j], {.strength = 0.3F});
    const steer::plan acting{recipe, at.host.shape()};
    const auto after = steer::take_readings(at.host, at.readouts, acting);
    for (std::size_t i = 0; i < 3; ++i) {
      const double expected = i == j ? 0.3 * at.slope(static_cast<int>(i), i) : 0.0;
      EXPECT_NEAR(steer::shift_of(base[i], after[i]).value, expected, 1e-3) << i << " under " << j;
    }
  }
}

TEST(measure_response, without_named_layers_doses_are_given_at_all_of_the_vectors_own) {
  known at(7);
  const steer::response named = steer::measure_response(at.host, at.vectors, at.readouts, {.dose_unit = {.layers = {0}}, .step = 0.1});
  const steer::response all = steer::measure_response(at.host, at.vectors, at.readouts, {.step = 0.1});
  EXPECT_EQ(named.slope, all.slope);
  EXPECT_NE(named, all) << "the layers are part of it";
}

TEST(measure_response, tells_how_far_the_response_bends_and_warns) {
  known at(9);
  at.host.bend = 3.0;
  const steer::response found = steer::measure_response(at.host, at.vectors, at.readouts, {.step = 1.0});
  EXPECT_GT(found.bend.cwiseAbs().maxCoeff() + found.error.maxCoeff(), 0.1);
  bool warned = false;
  for (const std::string& w : found.warnings) {
    warned = warned || w.find("the same way") != std::string::npos || w.find("not constant") != std::string::npos;
  }
  EXPECT_TRUE(warned) << steer::to_string(found);
  const auto near = steer::predict(found, {1.0, 0.0, 0.0});
  const auto far = steer::predict(found, {3.0, 0.0, 0.0});
  EXPECT_GE(far[0].error, 3.0 * near[0].error - 1e-12) << "further than it was measured, a prediction is less sure";
}

TEST(measure_response, a_hook_that_is_off_moves_nothing) {
  known at(11);
  steer::plan nothing;
  const auto one = steer::take_readings(at.host, at.readouts);
  const auto two = steer::take_readings(at.host, at.readouts, nothing);
  EXPECT_EQ(steer::shift_of(one[0], two[0]), (steer::estimate{0.0, 0.0}));
}

TEST(measure_response, progress_ends_at_one) {
  known at(13);
  std::vector<double> told;
  steer::measure_response(at.host, at.vectors, at.readouts, {.progress = [&](double share) { told.push_back(share); }});
  ASSERT_EQ(told.size(), 13U);
  EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
  EXPECT_EQ(told.back(), 1.0);
}

TEST(measure_response, warns_of_a_readout_that_another_vector_moves_more) {
  known at(15);
  std::swap(at.readouts[0], at.readouts[1]);
  const steer::response found = steer::measure_response(at.host, at.vectors, at.readouts, {.step = 0.2});
  // Whichever way it turned out for these numbers, a warning stands where the largest slope is another's.
  int others = 0;
  for (Eigen::Index i = 0; i < 3; ++i) {
    Eigen::Index largest = 0;
    found.slope.row(i).cwiseAbs().maxCoeff(&largest);
    bool warned = false;
    for (const std::string& w : found.warnings) {
      warned = warned || (w.find("\"" + found.readouts[static_cast<std::size_t>(i)] + "\": moves more by") != std::string::npos);
    }
    EXPECT_EQ(warned, largest != i);
    others += largest != i ? 1 : 0;
  }
  EXPECT_GT(others, 0);
}

TEST(measure_response, refuses_what_does_not_fit) {
  known at(17);
  expect_error<steer::argument_error>([&] { steer::measure_response(at.host, at.vectors, {at.readouts[0]}); },
                                      "has 3 vectors and 1 readouts; expected as many");
  expect_error<steer::argument_error>([&] { steer::measure_response(at.host, at.vectors, at.readouts, {.step = 0.0}); },
                                      "the step is 0, with 0 controls; expected a step above 0");
  auto other = at.vectors;
  other[1].point = steer::point::mlp_out;
  expect_error<steer::error>([&] { steer::measure_response(at.host, other, at.readouts); }, "mlp_out");
}

TEST(measure_response, refuses_before_the_first_pass) {
  known at(17);
  const auto refuse = [&](const std::vector<steer::steering_vector>& vectors, const std::vector<steer::readout>& readouts,
                          const steer::response_options& options, const auto&... parts) {
    expect_error<steer::error>([&] { steer::measure_response(at.host, vectors, readouts, options); }, parts...);
    EXPECT_EQ(at.host.passes, 0U);
  };
  const steer::response_options step{.step = 0.2};
  auto one_text = at.readouts;
  one_text[1].texts.resize(1);
  refuse(at.vectors, one_text, step, "readout \"concept 1\": has 1 sample; expected at least 2");
  auto one_pair = at.readouts;
  one_pair[2] = steer::pair_readout("concept 2", {{{1, 2}, {1, 3}}});
  refuse(at.vectors, one_pair, step, "readout \"concept 2\": has 1 sample; expected at least 2");
  auto nameless = at.readouts;
  nameless[2].name.clear();
  nameless[2].texts.pop_back();
  refuse(at.vectors, nameless, step, "has no name");
  refuse(at.vectors, at.readouts, {.dose_unit = {.layers = {0, 0}}}, "layer 0 is named twice");
  refuse(at.vectors, at.readouts, {.dose_unit = {.layers = {3}}}, "layer 3");
  refuse(at.vectors, at.readouts, {.step = 3e38}, "the step is 3e+38");
  refuse(at.vectors, at.readouts, {.step = 1e-50}, "the step is 1e-50");
  refuse(at.vectors, at.readouts, {.dose_unit = {.cap = std::nanf("")}}, "cap is nan");
  auto no_norm = at.vectors;
  no_norm[2].directions.at(0).row_norm.reset();
  refuse(no_norm, at.readouts, step, "concept 2", "mean row norm");
  auto other_model = at.vectors;
  at.host.model.fingerprint = "f00d";
  other_model[2].source.fingerprint = "beef";
  refuse(other_model, at.readouts, step, "concept 2", "beef");
}

TEST(dose, refuses_numbers_without_meaning) {
  known at(3);
  const steer::response found = steer::measure_response(at.host, at.vectors, at.readouts, {.step = 0.2});
  const auto refuse = [&](const std::vector<double>& targets, const steer::dose_options& options, const auto&... parts) {
    expect_error<steer::argument_error>([&] { steer::dose(at.vectors, found, targets, options); }, parts...);
  };
  refuse({1.0, std::nan(""), 0.0}, {}, "dose: target 1 is nan; expected a finite number of nats");
  refuse({1.0, 0.0, 0.0}, {.most = std::nan("")}, "most is nan; expected 0 or above");
  refuse({1.0, 0.0, 0.0}, {.invertible = {.least_signal = std::nan("")}}, "least_signal is nan");
  refuse({1.0, 0.0, 0.0}, {.invertible = {.most_condition = 0.5}}, "most_condition 0.5");
  expect_error<steer::numeric_error>([&] { static_cast<void>(steer::predict(found, {0.0, std::nan(""), 0.0})); },
                                     "predict: dose 1 is nan");
  expect_fields<steer::argument_error>([&] { steer::dose(at.vectors, found, {1.0, 0.0}); },
                                       {.what = "dose", .expected = "3", .actual = "2"});
  steer::response singular = found;
  singular.slope.setOnes();
  singular.error.setZero();
  constexpr double any = std::numeric_limits<double>::infinity();
  expect_error<steer::numeric_error>(
      [&] { steer::dose(at.vectors, singular, {1.0, 0.0, 0.0}, {.invertible = {.most_condition = any}}); }, "singular");
}

TEST(dose, refuses_a_concept_that_does_not_respond) {
  known at(19);
  at.vectors[1].directions[0].values.setZero();
  at.vectors[1].directions[0].values[0] = 1e-3F;
  for (const Eigen::Index token : {2, 3}) {
    at.host.head(token, 0) = 0.0F;  // nothing that readout 1 reads lies along it
  }
  const steer::response found = steer::measure_response(at.host, at.vectors, at.readouts, {.step = 0.2});
  expect_error<steer::numeric_error>([&] { steer::dose(at.vectors, found, {1.0, 0.0, 0.0}); },
                                     "infeasible: readout \"concept 1\" does not respond to \"concept 1\"");
  expect_error<steer::numeric_error>([&] { steer::decouple(at.vectors, found); }, "does not respond");
}

TEST(dose, refuses_an_ill_conditioned_response_and_what_is_too_much) {
  known at(21);
  at.vectors[1].directions = at.vectors[0].directions;
  at.vectors[1].directions[0].values[0] += 1e-3F;
  const steer::response found = steer::measure_response(at.host, at.vectors, at.readouts, {.step = 0.2});
  expect_error<steer::numeric_error>([&] { steer::dose(at.vectors, found, {1.0, 0.0, 0.0}); }, "the response has condition");
  known fine(3);
  const steer::response good = steer::measure_response(fine.host, fine.vectors, fine.readouts, {.step = 0.2});
  expect_error<steer::numeric_error>(
      [&] { steer::dose(fine.vectors, good, {100.0, 0.0, 0.0}, {.invertible = {.most_condition = 1e6}, .most = 0.5}); },
      "at most 0.5 is allowed");
  expect_error<steer::argument_error>([&] { steer::dose(fine.vectors, good, {1.0}); }, "has 1 targets; expected 3");
  std::swap(fine.vectors[0], fine.vectors[1]);
  expect_error<steer::argument_error>([&] { steer::dose(fine.vectors, good, {1.0, 0.0, 0.0}); },
                                      "vector 0 is \"concept 1\"; the response was measured with \"concept 0\"");
}

TEST(decouple, refuses_doses_that_have_no_length_of_their_own) {
  known at(23);
  const steer::response found = steer::measure_response(
      at.host, at.vectors, at.readouts, {.dose_unit = {.unit = steer::strength_unit::of_row_norm}, .step = 0.2});
  expect_error<steer::argument_error>([&] { steer::decouple(at.vectors, found); }, "of_row_norm");
}

TEST(meet_targets, solves_a_response_that_bends) {
  int solved = 0;
  for (std::uint64_t seed = 0; solved < 10 && seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    known at(100 + seed);
    const steer::response found = steer::measure_response(at.host, at.vectors, at.readouts, {.step = 0.05});
    if (steer::condition_number(found) > 20.0) {
      continue;
    }
    const auto shift_under = [&](const std::vector<double>& doses) {  // saturates: what a large dose adds is less and less
      std::vector<double> out;
      for (const steer::estimate& linear : steer::predict(found, doses)) {
        out.push_back(4.0 * std::tanh(linear.value / 4.0));
      }
      return out;
    };
    const std::vector<double> targets{2.5, 0.0, -1.5};
    const steer::met_targets met = steer::meet_targets(found, targets, shift_under, {.rounds = 40, .tolerance = 1e-6});
    EXPECT_LE(met.missed, 1e-6);
    EXPECT_LT(met.rounds, 40);
    const std::vector<double> again = shift_under(met.doses);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(again[i], targets[i], 1e-6);
    }
    const double linear = std::abs(shift_under(steer::dose(at.vectors, found, targets).doses)[0] - targets[0]);
    EXPECT_GT(linear, 0.1) << "the linear doses miss: there was something to correct";
    ++solved;
  }
  EXPECT_EQ(solved, 10) << "most seeds are ill-conditioned: the concepts' directions are random";
}

TEST(meet_targets, gives_the_best_round_and_counts_them) {
  known at(3);
  const steer::response found = steer::measure_response(at.host, at.vectors, at.readouts, {.step = 0.2});
  int calls = 0;
  const auto stuck = [&](const std::vector<double>&) {
    ++calls;
    return std::vector<double>(3, 0.25 * calls);
  };
  const auto met = steer::meet_targets(found, {0.25, 0.25, 0.25}, stuck, {.tolerance = 0.0, .invertible = {.most_condition = 1e6}});
  EXPECT_EQ(met.rounds, 1);
  EXPECT_EQ(met.missed, 0.0);
  calls = 1;
  const auto worse = steer::meet_targets(found, {0.25, 0.25, 0.25}, stuck, {.rounds = 3, .invertible = {.most_condition = 1e6}});
  EXPECT_EQ(worse.rounds, 3);
  EXPECT_EQ(worse.missed, 0.25) << "the first round was the best";
}

TEST(meet_targets, goes_half_of_the_way_back_where_a_shift_is_not_finite) {
  known at(3);
  const steer::response found = steer::measure_response(at.host, at.vectors, at.readouts, {.step = 0.2});
  std::vector<std::vector<double>> tried;
  const auto breaks_once = [&](const std::vector<double>& doses) {
    tried.push_back(doses);
    std::vector<double> out;
    for (const steer::estimate& linear : steer::predict(found, doses)) {
      out.push_back(tried.size() == 2 ? std::nan("") : 0.5 * linear.value);
    }
    return out;
  };
  const auto met = steer::meet_targets(found, {0.2, 0.0, 0.0}, breaks_once,
                                       {.rounds = 3, .tolerance = 0.0, .invertible = {.most_condition = 1e6}});
  ASSERT_EQ(tried.size(), 3U);
  for (std::size_t j = 0; j < 3; ++j) {
    EXPECT_DOUBLE_EQ(tried[2][j], (tried[0][j] + tried[1][j]) / 2.0);
  }
  EXPECT_EQ(met.doses, tried[2]) << "nearer than the first, and finite";
  EXPECT_LT(met.missed, 0.1);
  EXPECT_EQ(met.rounds, 3);

  tried.clear();
  tried.emplace_back();  // so that the first call breaks
  steer::meet_targets(found, {0.2, 0.0, 0.0}, breaks_once, {.rounds = 2, .tolerance = 0.0, .invertible = {.most_condition = 1e6}});
  ASSERT_EQ(tried.size(), 3U);
  EXPECT_DOUBLE_EQ(tried[2][0], tried[1][0] / 2.0) << "no dose shifts nothing";
}

TEST(meet_targets, gives_what_it_has_where_no_further_step_is_a_number) {
  known at(3);
  steer::response weak = steer::measure_response(at.host, at.vectors, at.readouts, {.step = 0.2});
  weak.slope *= 1e-3;
  weak.error.setZero();
  const auto far = [](const std::vector<double>&) { return std::vector<double>{-1e308, 1e308, -1e308}; };
  const auto met = steer::meet_targets(weak, {0.0, 0.0, 0.1}, far,
                                       {.start = {0.1, 0.0, 0.2}, .invertible = {.most_condition = 1e6}});
  EXPECT_EQ(met.doses, (std::vector<double>{0.1, 0.0, 0.2}));
  EXPECT_EQ(met.rounds, 1);
}

TEST(meet_targets, refuses_by_message) {
  known at(3);
  const steer::response found = steer::measure_response(at.host, at.vectors, at.readouts, {.step = 0.2});
  const steer::meet_options loose{.invertible = {.most_condition = 1e6}};
  const auto gives = [](std::vector<double> shifts) { return [shifts](const std::vector<double>&) { return shifts; }; };
  expect_error<steer::argument_error>([&] { steer::meet_targets(found, {1.0}, gives({0.0, 0.0, 0.0}), loose); },
                                      "has 1 targets; expected 3");
  expect_error<steer::shape_error>([&] { steer::meet_targets(found, {1.0, 0.0, 0.0}, gives({0.0}), loose); },
                                   "gives 1 shifts; expected 3");
  steer::meet_options from = loose;
  from.rounds = 2;
  from.start = {0.8, 0.0, 0.0};
  expect_error<steer::numeric_error>([&] { steer::meet_targets(found, {1.0, 0.0, 0.0}, gives({std::nan(""), 0.0, 0.0}), from); },
                                     "in none of 2 rounds all shifts are finite; the last doses were up to 0.4");
  expect_error<steer::numeric_error>([&] { steer::meet_targets(found, {1e308, 0.0, 0.0}, gives({-1e308, 0.0, 0.0}), from); },
                                     "in none of 2 rounds");  // the distance overflows
  expect_error<steer::argument_error>(
      [&] { steer::meet_targets(found, {1.0, 0.0, 0.0}, gives({0.0, 0.0, 0.0}), {.rounds = 0}); }, "0 rounds");
}

TEST(meet_targets, refuses_before_the_first_measurement) {
  known at(3);
  const steer::response found = steer::measure_response(at.host, at.vectors, at.readouts, {.step = 0.2});
  int calls = 0;
  const auto counts = [&](const std::vector<double>&) {
    ++calls;
    return std::vector<double>(3, 0.0);
  };
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const auto refuse = [&](const std::vector<double>& targets, steer::meet_options options, const auto&... parts) {
    options.invertible.most_condition = std::max(1e6, options.invertible.most_condition);
    expect_error<steer::error>([&] { steer::meet_targets(found, targets, counts, options); }, parts...);
    EXPECT_EQ(calls, 0);
  };
  const std::vector<double> fine{0.1, 0.0, 0.0};
  refuse(fine, {.start = {0.1, std::nan(""), 0.0}}, "meet_targets: dose 1 to start from is nan; expected a finite number");
  refuse(fine, {.start = {0.1, 0.0, -infinity}}, "dose 2 to start from is -inf");
  refuse(fine, {.start = {0.1}}, "1 doses to start from; expected 3");
  refuse({0.1, infinity, 0.0}, {}, "target 1 is inf; expected a finite number of nats");
  refuse({0.1, 0.0}, {}, "has 2 targets");
  refuse(fine, {.tolerance = std::nan("")}, "tolerance nan");
  refuse(fine, {.largest_step = std::nan("")}, "steps of nan");
  refuse(fine, {.rounds = 0}, "0 rounds");
  refuse(fine, {.invertible = {.least_signal = std::nan("")}}, "least_signal is nan");
  steer::response weak = found;
  weak.slope *= 1e-3;
  weak.error.setZero();
  expect_error<steer::numeric_error>(
      [&] { steer::meet_targets(weak, {1e308, 1e308, -1e308}, counts, {.invertible = {.most_condition = 1e6}}); },
      "the targets need doses that are not finite");
  EXPECT_EQ(calls, 0);
}

TEST(predict, refuses_doses_that_are_not_one_for_each_vector) {
  known at(25);
  const steer::response found = steer::measure_response(at.host, at.vectors, at.readouts, {.step = 0.2});
  expect_error<steer::shape_error>([&] { static_cast<void>(steer::predict(found, {1.0})); }, "has 1 doses; expected 3");
}

}  // namespace
