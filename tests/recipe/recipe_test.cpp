#include "steer/recipe/recipe.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "expect_error.hpp"
#include "toy.hpp"

namespace {

class recipe : public testing::Test {
 protected:
  std::mt19937_64 engine{2};
  steer::steering_vector happy = toy::random_vector(engine, {0, 2}, 4);
  steer::steering_vector terse = toy::random_vector(engine, {1}, 4);
};

TEST_F(recipe, keeps_the_order_and_the_options) {
  steer::recipe made;
  made.add(happy, {.strength = 0.2F, .unit = steer::strength_unit::of_row_norm}, {.layers = {2}})
      .ablate(terse, {.rows = {.phase = steer::phase::generation}})
      .reflect(happy);
  ASSERT_EQ(made.edits().size(), 3U);
  const auto& first = std::get<steer::add_edit>(made.edits()[0].operation);
  EXPECT_EQ(first.strength, 0.2F);
  EXPECT_EQ(first.unit, steer::strength_unit::of_row_norm);
  EXPECT_EQ(made.edits()[0].where.layers, std::vector<int>{2});
  EXPECT_EQ(std::get<steer::ablate_edit>(made.edits()[1].operation).share, 1.0F);
  EXPECT_EQ(std::get<steer::ablate_edit>(made.edits()[1].operation).vector, terse);
  EXPECT_EQ(made.edits()[1].where.rows.phase, steer::phase::generation);
  EXPECT_EQ(std::get<steer::ablate_edit>(made.edits()[2].operation).share, 2.0F);
}

TEST_F(recipe, owns_its_vectors) {
  steer::recipe made;
  made.add(happy);
  const steer::steering_vector before = happy;
  happy.directions.clear();
  EXPECT_EQ(std::get<steer::add_edit>(made.edits()[0].operation).vector, before);
}

TEST_F(recipe, refuses_meaningless_numbers_and_stays_as_it_was) {
  steer::recipe made;
  made.add(happy);
  const steer::recipe before = made;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  happy.name = "happy";
  expect_error<steer::numeric_error>([&] { made.add(happy, {.strength = nan}); }, "add \"happy\"", "strength is nan");
  expect_error<steer::numeric_error>([&] { made.add(happy, {.cap = 0.0F}); }, "cap is 0");
  expect_error<steer::numeric_error>([&] { made.add(happy, {.cap = nan}); }, "cap is nan");
  expect_error<steer::numeric_error>([&] { made.ablate(happy, {.share = nan}); }, "ablate \"happy\"", "share is nan");
  expect_error<steer::argument_error>([&] { made.ablate(happy, {.rows = {.first = 5, .last = 4}}); },
                                      "positions 5 to 4");
  expect_error<steer::argument_error>([&] { made.ablate(happy, {.rows = {.first = -1}}); }, "positions -1");
  happy.directions[2].values.setZero();
  expect_error<steer::numeric_error>([&] { made.ablate(happy); }, "\"happy\", layer 2", "zero");
  EXPECT_EQ(made, before);
}

TEST(schedule, contains_by_phase_and_position) {
  const steer::row_info prompt{.token = 0, .position = 3, .sequence = 0, .prompt_length = 5};
  const steer::row_info generated{.token = 0, .position = 5, .sequence = 0, .prompt_length = 5,
                                  .phase = steer::phase::generation};
  EXPECT_TRUE(steer::schedule{}.contains(prompt));
  EXPECT_TRUE(steer::schedule{}.everything());
  const steer::schedule generation{.phase = steer::phase::generation};
  EXPECT_FALSE(generation.contains(prompt));
  EXPECT_TRUE(generation.contains(generated));
  const steer::schedule span{.first = 3, .last = 4};
  EXPECT_TRUE(span.contains(prompt));
  EXPECT_FALSE(span.contains(generated));
}

TEST(schedule, holds_every_part_at_once_and_exclusion_wins) {
  const auto row = [](std::int32_t position) {
    return steer::row_info{7, position, 0, 4, position < 4 ? steer::phase::prompt : steer::phase::generation};
  };
  const auto chosen = [&](const steer::schedule& rows) {
    std::vector<std::int32_t> out;
    for (std::int32_t position = 0; position < 8; ++position) {
      if (rows.contains(row(position))) {
        out.push_back(position);
      }
    }
    return out;
  };
  using positions = std::vector<std::int32_t>;
  EXPECT_EQ(chosen(steer::first_rows(2)), (positions{0, 1}));
  EXPECT_EQ(chosen({.last_of_prompt = 2}), (positions{2, 3}));
  EXPECT_EQ(chosen({.positions = {1, 5, 6}, .except = {5}}), (positions{1, 6}));
  EXPECT_EQ(chosen({.phase = steer::phase::generation, .except = {4}}), (positions{5, 6, 7}));
  EXPECT_EQ(chosen({.first = 2, .last = 5}), (positions{2, 3, 4, 5}));
}

TEST(schedule, decays_by_position) {
  const auto weight = [](const steer::schedule& rows, std::int32_t position) {
    return rows.weight({7, position, 0, 4, position < 4 ? steer::phase::prompt : steer::phase::generation});
  };
  const steer::schedule from_start{.first = 1, .half_life = 2.0F};
  EXPECT_EQ(weight(from_start, 0), 0.0);
  EXPECT_EQ(weight(from_start, 1), 1.0);
  EXPECT_EQ(weight(from_start, 3), 0.5);
  const steer::schedule generated{.phase = steer::phase::generation, .half_life = 1.0F};
  EXPECT_EQ(weight(generated, 3), 0.0);
  EXPECT_EQ(weight(generated, 4), 1.0);
  EXPECT_EQ(weight(generated, 6), 0.25);
}

TEST_F(recipe, says_which_vector_an_edit_of_one_has) {
  happy.name = "happy";
  EXPECT_EQ(only_vector(steer::recipe{}.ablate(happy).edits()[0]), happy);
  expect_error<steer::argument_error>(
      [&] {
        only_vector(steer::recipe{}.watch({happy, happy}).edits()[0]);
      },
      "watch \"happy\"", "has 2 vectors; expected 1");
}

TEST_F(recipe, refuses_edits_without_meaning) {
  happy.name = "happy";
  steer::recipe made;
  expect_error<steer::argument_error>([&] { made.set({happy}, {1.0F, 2.0F}); }, "bound \"happy\"", "1 vectors, 2 low");
  expect_error<steer::argument_error>([&] { made.keep_within({happy}, {1.0F}, {0.0F}); }, "bounds 0 are 1 and 0");
  expect_error<steer::argument_error>([&] { made.cap(happy, 1.0F, {.unit = steer::strength_unit::of_row_norm}); },
                                      "of_row_norm");
  expect_error<steer::numeric_error>([&] { made.turn_towards(happy, {.share = 1.5F}); }, "share is 1.5", "0 to 1");
  expect_error<steer::numeric_error>(
      [&] {
        made.set_angle(steer::plane{Eigen::Vector2d(1, 0), Eigen::Vector2d(1, 0)}, {});
      },
      "set angle", "orthonormal");
  expect_error<steer::shape_error>([&] { made.transform(steer::diagonal_map{}); }, "transform", "not empty");
  expect_error<steer::argument_error>([&] { made.watch({}); }, "watches no vector");
  expect_error<steer::argument_error>([&] { made.ablate(happy, {.head = 1}); }, "names head 1", "attention_heads");
  expect_error<steer::argument_error>([&] { made.ablate(happy, {.rows = {.last_of_prompt = 0}}); }, "last 0 rows");
  expect_error<steer::numeric_error>([&] { made.ablate(happy, {.rows = {.half_life = 0.0F}}); }, "half_life is 0", "above 0");
  expect_error<steer::argument_error>(
      [&] {
        made.ablate(happy, {.rows = {.first = 5, .positions = {3, 4}}});
      },
      "ablate \"happy\"", "none of its 2 positions lies in 5 to ");
  expect_error<steer::argument_error>([&] { made.ablate(happy, {.rows = {.positions = {3}, .except = {3}}}); },
                                      "excepted");
  expect_error<steer::argument_error>([&] { steer::first_rows(0); }, "of 0 rows", "at least 1");
  steer::steering_vector other = happy;
  other.point = steer::point::mlp_out;
  expect_error<steer::argument_error>(
      [&] {
        made.set({happy, other}, {0.0F, 0.0F});
      },
      "belongs to mlp_out", "residual_out");
  EXPECT_TRUE(made.empty());
}

TEST_F(recipe, refuses_enumerators_that_do_not_exist) {
  happy.name = "happy";
  steer::recipe made;
  expect_fields<steer::argument_error>([&] { made.ablate(happy, {.norm = {static_cast<steer::norm_rule>(4)}}); },
                                       {.what = "ablate \"happy\"", .expected = "0 to 3", .actual = "4"});
  expect_error<steer::argument_error>([&] { made.add(happy, {.unit = static_cast<steer::strength_unit>(5)}); },
                                      "add \"happy\"", "unit is 5; expected 0 to 4");
  expect_error<steer::argument_error>([&] { made.set(happy, 1.0F, {.unit = static_cast<steer::strength_unit>(9)}); },
                                      "unit is 9");
  expect_error<steer::argument_error>([&] { made.set(happy, 1.0F, {.origin = static_cast<steer::coordinate_origin>(2)}); },
                                      "origin is 2; expected 0 to 1");
  expect_error<steer::argument_error>([&] { made.watch({happy}, static_cast<steer::watched_norm>(2)); },
                                      "norm is 2");
  expect_error<steer::argument_error>([&] { made.ablate(happy, {.rows = {.phase = static_cast<steer::phase>(2)}}); },
                                      "phase is 2");
  expect_error<steer::argument_error>(
      [&] {
        made.transform(steer::diagonal_map{Eigen::VectorXf::Ones(4), Eigen::VectorXf::Zero(4)},
                       {.point = static_cast<steer::point>(5)});
      },
      "transform", "point is 5; expected 0 to 4");
  const auto gated = [&](auto change) {
    steer::gate gate{.conditions = {steer::above(happy, 0.0F)}};
    change(gate);
    made.ablate(happy, {.gate = gate});
  };
  expect_error<steer::argument_error>([&] { gated([](auto& g) { g.time = static_cast<steer::gate_time>(2); }); },
                                      "gate time is 2");
  expect_error<steer::argument_error>([&] { gated([](auto& g) { g.combination = static_cast<steer::combination>(3); }); },
                                      "gate combination is 3");
  expect_error<steer::argument_error>(
      [&] { gated([](auto& g) { g.conditions[0].reading = static_cast<steer::reading>(2); }); }, "gate reading is 2");
  expect_error<steer::argument_error>(
      [&] { gated([](auto& g) { g.conditions[0].curve = static_cast<steer::gate_curve>(5); }); }, "gate curve is 5");
  EXPECT_TRUE(made.empty());
}

TEST_F(recipe, gives_each_layer_its_own_map) {
  const auto map = [](float scale) {
    return steer::diagonal_map{Eigen::VectorXf::Constant(4, scale), Eigen::VectorXf::Zero(4)};
  };
  const steer::affine_maps maps{steer::point::attention_out, {{1, map(2.0F)}, {3, map(3.0F)}}};
  const steer::placement generated{.rows = {.phase = steer::phase::generation}};
  const auto edit = [&](int layer, float scale, float share) {
    steer::placement where = generated;
    where.layers = {layer};
    return steer::edit{steer::transform_edit{map(scale), share}, where, steer::point::attention_out};
  };
  EXPECT_EQ(steer::recipe{}.transform(maps, generated).edits(), (std::vector{edit(1, 2.0F, 1.0F), edit(3, 3.0F, 1.0F)}));
  steer::placement one = generated;
  one.layers = {3};
  EXPECT_EQ(steer::recipe{}.transform(maps, {.share = 0.5F, .point = steer::point::attention_out}, one).edits(),
            std::vector{edit(3, 3.0F, 0.5F)});

  steer::recipe made;
  expect_error<steer::argument_error>([&] { made.transform(steer::affine_maps{}); }, "transform", "no map");
  expect_fields<steer::argument_error>([&] { made.transform(maps, {.layers = {1, 2}}); },
                                       {.what = "transform", .layer = 2, .expected = "1 to 3"});
  expect_error<steer::argument_error>([&] { made.transform(maps, {.layers = {3, 3}}); }, "layer 3 is named twice");
  expect_error<steer::argument_error>([&] { made.transform(maps, {.point = steer::point::mlp_out}); },
                                      "its point is mlp_out; its maps are of attention_out");
  steer::affine_maps broken = maps;
  broken.layers[3] = steer::diagonal_map{};
  expect_error<steer::shape_error>([&] { made.transform(broken); }, "transform", "not empty");
  EXPECT_TRUE(made.empty());  // not even with layer 1
}

}  // namespace
