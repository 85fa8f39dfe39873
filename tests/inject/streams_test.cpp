// A model with several residual streams: what plans, sessions and routes do to rows that say which they are.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "steer/core/require_fit.hpp"
#include "steer/inject/plan.hpp"
#include "steer/inject/routes.hpp"
#include "steer/inject/session.hpp"
#include "steer/recipe/recipe.hpp"
#include "toy.hpp"

namespace {

using steer::phase;
using steer::point;
using steer::site;

constexpr int streams = 3;
constexpr std::ptrdiff_t width = 5;
constexpr site here{1, point::residual_out};

steer::model_shape shape_of(int count) {
  steer::model_shape out = toy::shape(2, width);
  out.streams = count;
  return out;
}

/// Tokens of two sequences in turns, each a prompt of three and two that were generated, S rows each.
struct tokens {
  steer::matrix<float> numbers;
  std::vector<steer::row_info> info;

  explicit tokens(std::mt19937_64& engine, int count = streams) : numbers(toy::random_rows<float>(engine, 10 * count, width)) {
    for (int token = 0; token < 10; ++token) {
      for (int stream = 0; stream < count; ++stream) {
        const int position = token / 2;
        info.push_back({token, position, token % 2, 3, position < 3 ? phase::prompt : phase::generation, static_cast<std::uint8_t>(stream)});
      }
    }
  }
  steer::rows<float> rows() { return toy::view(numbers, info); }
};

steer::recipe several_edits(std::mt19937_64& engine, const steer::placement& where) {
  const auto one = [&] { return toy::random_vector(engine, {0, 1}, width); };
  steer::recipe out;
  out.add(one(), {.strength = 0.7F, .unit = steer::strength_unit::raw}, where)
      .ablate(one(), {}, where)
      .add(one(), {.strength = 0.3F, .unit = steer::strength_unit::of_row_norm}, where)
      .cap(one(), 0.1F, {}, where);
  return out;
}

TEST(streams, edits_act_on_all_alike_as_on_rows_of_an_ordinary_model) {
  std::mt19937_64 engine(1);
  const steer::recipe recipe = several_edits(engine, {});
  tokens many(engine);
  tokens ordinary = many;
  for (steer::row_info& row : ordinary.info) {
    row.stream = 0;
  }
  steer::plan(recipe, shape_of(streams))(here, many.rows());
  steer::plan(recipe, shape_of(1))(here, ordinary.rows());
  EXPECT_EQ(many.numbers, ordinary.numbers);
}

TEST(streams, that_are_named_are_the_only_ones_that_an_edit_touches) {
  std::mt19937_64 engine(2);
  for (const std::vector<int>& named : {std::vector<int>{0}, {2}, {0, 2}, {2, 1, 0}}) {
    std::mt19937_64 same(3);
    const steer::recipe recipe = several_edits(same, {.rows = {.streams = named}});
    same.seed(3);
    const steer::recipe everywhere = several_edits(same, {});
    tokens many(engine);
    tokens expected = many;
    steer::plan(everywhere, shape_of(streams))(here, expected.rows());
    const steer::matrix<float> before = many.numbers;
    const steer::plan plan(recipe, shape_of(streams));
    plan(here, many.rows());
    for (Eigen::Index row = 0; row < before.rows(); ++row) {
      const bool touched = std::find(named.begin(), named.end(), static_cast<int>(row % streams)) != named.end();
      EXPECT_EQ(many.numbers.row(row), (touched ? expected.numbers : before).row(row)) << row;
    }
    EXPECT_NE(plan.digest(), steer::plan(everywhere, shape_of(streams)).digest());
  }
}

TEST(streams, beside_edits_of_all_keep_their_order) {
  std::mt19937_64 engine(4);
  const steer::steering_vector a = toy::random_vector(engine, {1}, width);
  const steer::steering_vector b = toy::random_vector(engine, {1}, width);
  const steer::add_options raw{.unit = steer::strength_unit::raw};
  const steer::plan both(steer::recipe{}.add(a, raw).ablate(b, {}, {.rows = {.streams = {1}}}).add(b, raw), shape_of(streams));
  tokens many(engine);
  tokens by_hand = many;
  both(here, many.rows());
  steer::plan(steer::recipe{}.add(a, raw), shape_of(streams))(here, by_hand.rows());
  steer::plan(steer::recipe{}.ablate(b, {}, {.rows = {.streams = {1}}}), shape_of(streams))(here, by_hand.rows());
  steer::plan(steer::recipe{}.add(b, raw), shape_of(streams))(here, by_hand.rows());
  EXPECT_LT((many.numbers - by_hand.numbers).cwiseAbs().maxCoeff(), 1e-5F);
  EXPECT_TRUE(both.constant_addition(here).empty());
  EXPECT_FALSE(steer::plan(steer::recipe{}.add(a, raw), shape_of(streams)).constant_addition(here).empty()) << "the same in every stream";
  EXPECT_TRUE(steer::plan(steer::recipe{}.add(a, raw, {.rows = {.streams = {0}}}), shape_of(streams)).constant_addition(here).empty());
}

TEST(streams, that_do_not_exist_are_refused) {
  std::mt19937_64 engine(5);
  const steer::add_options raw{.unit = steer::strength_unit::raw};
  const auto compile = [&](std::vector<int> named, int count, point at = point::residual_out, std::ptrdiff_t d = width) {
    steer::steering_vector v = toy::random_vector(engine, {1}, d);
    v.point = at;
    return steer::plan(steer::recipe{}.add(v, raw, {.rows = {.streams = std::move(named)}}), shape_of(count));
  };
  expect_error<steer::shape_error>([&] { compile({0, 3}, 3); }, "stream 3 does not exist", "streams 0 to 2 at residual_out");
  expect_error<steer::shape_error>([&] { compile({-1}, 3); }, "stream -1 does not exist", "streams 0 to 2");
  expect_error<steer::shape_error>([&] { compile({0}, 1); }, "stream 0 does not exist", "one row a token at residual_out");
  expect_error<steer::shape_error>([&] { compile({1}, 3, point::mlp_out); }, "stream 1 does not exist", "one row a token at mlp_out");
  expect_error<steer::shape_error>([&] { compile({}, 3, point::residual_out, 3 * width); }, "width 15", "5 at residual_out in each of 3 streams");
}

TEST(streams, plans_fit_hosts_with_as_many) {
  std::mt19937_64 engine(6);
  const auto plan_at = [&](point at) {
    steer::steering_vector v = toy::random_vector(engine, {1}, width);
    v.point = at;
    return steer::plan(steer::recipe{}.add(v, {.unit = steer::strength_unit::raw}), shape_of(3));
  };
  const steer::plan residual = plan_at(point::residual_out);
  EXPECT_NO_THROW(steer::require_fit(residual, shape_of(3)));
  expect_error<steer::shape_error>([&] { steer::require_fit(residual, shape_of(4)); }, "residual_out with 3 rows a token", "has 4 residual streams");
  expect_error<steer::shape_error>([&] { steer::require_fit(residual, shape_of(1)); }, "residual_out with 3 rows a token", "has 1 residual streams");
  EXPECT_NO_THROW(steer::require_fit(plan_at(point::mlp_out), shape_of(1))) << "ordinary rows there";
  steer::routing_table table;
  table.route(0, residual);
  expect_error<steer::shape_error>([&] { table.route(1, steer::plan(several_edits(engine, {}), shape_of(1))); }, "in 3 streams");
}

TEST(streams, routes_go_by_sequence_and_named_streams) {
  std::mt19937_64 engine(7);
  const steer::plan all(several_edits(engine, {}), shape_of(streams));
  const steer::plan one(several_edits(engine, {.rows = {.streams = {1}}}), shape_of(streams));
  tokens many(engine);
  tokens of_all = many;
  tokens of_one = many;
  all(here, of_all.rows());
  one(here, of_one.rows());
  steer::routing_table table;
  table.route(0, all).route(1, one);
  const steer::routes routes(table);
  routes(here, many.rows());
  for (Eigen::Index row = 0; row < many.numbers.rows(); ++row) {
    EXPECT_EQ(many.numbers.row(row), (row / streams % 2 == 0 ? of_all : of_one).numbers.row(row)) << row;
  }
}

TEST(streams, a_latched_gate_is_decided_by_the_mean_of_what_they_say) {
  steer::steering_vector asks{.name = "asks"};
  asks.directions[1].values = Eigen::VectorXf::Unit(width, 0);
  steer::steering_vector writes{.name = "writes"};
  writes.directions[1].values = Eigen::VectorXf::Unit(width, 1);
  steer::session session(steer::recipe{}.add(writes, {.unit = steer::strength_unit::raw},
                                             {.gate = {.conditions = {steer::above(asks, 0.5F)}, .time = steer::gate_time::on_prompt}}),
                         shape_of(streams), {.sequences = 2});
  for (const int open : {0, 1, 2, 3}) {  // so many of the streams of sequence 0 are above; all of sequence 1
    std::mt19937_64 engine(8);
    tokens many(engine);
    many.numbers.setZero();
    for (std::size_t row = 0; row < many.info.size(); ++row) {
      const bool above = many.info[row].sequence == 1 || many.info[row].stream < open;
      many.numbers(static_cast<Eigen::Index>(row), 0) = above ? 1.0F : 0.0F;
    }
    session(here, many.rows());
    for (std::size_t row = 0; row < many.info.size(); ++row) {
      const float share = many.info[row].sequence == 1 ? 1.0F : static_cast<float>(open) / 3.0F;
      EXPECT_NEAR(many.numbers(static_cast<Eigen::Index>(row), 1), many.info[row].phase == phase::generation ? share : 0.0F, 1e-6F) << row;
    }
  }
}

TEST(streams, passages_and_counters_count_a_token_once) {
  steer::steering_vector writes{.name = "writes"};
  writes.directions[1].values = Eigen::VectorXf::Unit(width, 1);
  std::mt19937_64 engine(9);
  // Sequence 0 has the tokens 0, 2, 4, 6, 8; a marker of two of them, which would be seen never or twice if rows were tokens.
  steer::session session(steer::recipe{}.add(writes, {.unit = steer::strength_unit::raw}, {.rows = {.passages = {{.from = {{2, 4}}}}}}),
                         shape_of(streams), {.sequences = 1});
  tokens many(engine);
  many.numbers.setZero();
  session({0, point::residual_in}, many.rows());
  session(here, many.rows());
  for (std::size_t row = 0; row < many.info.size(); ++row) {
    const bool inside = many.info[row].sequence == 0 && many.info[row].position >= 2;
    EXPECT_EQ(many.numbers(static_cast<Eigen::Index>(row), 1), inside ? 1.0F : 0.0F) << row;
  }
  EXPECT_EQ(session.rows_without_state(), 5U) << "the tokens of sequence 1";
  steer::matrix<float> wide = steer::matrix<float>::Zero(6, width + 1);
  session(here, toy::view(wide, std::span(many.info).first(6)));
  EXPECT_EQ(session.rows_refused(), 2U);
}

TEST(streams, observations_say_which) {
  std::mt19937_64 engine(10);
  steer::observations ring({.capacity = 64});
  steer::session session(several_edits(engine, {.rows = {.streams = {2}}}), shape_of(streams), {.sequences = 2});
  session.observe(&ring);
  tokens many(engine);
  session(here, many.rows());
  ASSERT_GT(ring.size(), 0U);
  for (std::size_t i = 0; i < ring.size(); ++i) {
    EXPECT_EQ(ring[i].stream, 2);
  }
}

}  // namespace
