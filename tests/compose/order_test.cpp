#include "steer/compose/order.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <random>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "toy.hpp"

namespace {

using steer::steering_vector;

steering_vector named(const char* name, const Eigen::Vector3f& values) {
  steering_vector out;
  out.name = name;
  for (const int layer : {0, 1}) {
    out.directions[layer].values = values;
    out.directions[layer].row_norm = 10.0;
  }
  return out;
}

const steering_vector a = named("a", {1.0F, 0.0F, 0.0F});
const steering_vector b = named("b", {0.6F, 0.8F, 0.0F});
const steering_vector c = named("c", {0.0F, 0.0F, 2.0F});

std::size_t warnings(const steer::recipe& recipe) { return steer::order_warnings(recipe).size(); }

TEST(order_warnings, name_both_edits_the_layer_and_how_much) {
  steer::recipe recipe;
  recipe.add(c, {.strength = 0.1F}).ablate(a).ablate(b, {.layers = {1}});
  const auto found = steer::order_warnings(recipe);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].first, 1U);
  EXPECT_EQ(found[0].second, 2U);
  EXPECT_EQ(found[0].layer, 1);
  // on the plane of a and b, AB - BA = .6 (a bᵀ - b aᵀ), a multiple .6 * .8 of a quarter turn
  EXPECT_NEAR(found[0].difference, 0.48, 1e-6);
  EXPECT_EQ(
      found[0].text,
      "edits 1 (scale \"a\") and 2 (scale \"b\") do not commute: at layer 1, which of them comes first changes a row "
      "by up to 0.48 of its norm; recipe::set ablates directions jointly");
}

TEST(order_warnings, stay_silent_where_edits_commute) {
  EXPECT_EQ(warnings(steer::recipe{}), 0U);
  EXPECT_EQ(warnings(steer::recipe{}.add(a).add(b).add(c)), 0U) << "additions do";
  EXPECT_EQ(warnings(steer::recipe{}.ablate(a).ablate(c)), 0U) << "orthogonal ablations do";
  EXPECT_EQ(warnings(steer::recipe{}.ablate(a).scale(a, {.amount = 2.0F})), 0U) << "one direction does with itself";
  EXPECT_EQ(warnings(steer::recipe{}.set({a, b}, {0.0F, 0.0F}).ablate(c)), 0U);
  EXPECT_EQ(warnings(steer::recipe{}.ablate(a, {.layers = {0}}).ablate(b, {.layers = {1}})), 0U) << "they never meet";
  EXPECT_EQ(warnings(steer::recipe{}
                         .ablate(a, {.rows = {.phase = steer::phase::prompt}})
                         .ablate(b, {.rows = {.phase = steer::phase::generation}})),
            0U);
  EXPECT_EQ(warnings(steer::recipe{}.watch({a}).add(a)), 0U);
}

TEST(order_warnings, see_every_kind_of_edit) {
  const steer::plane plane{Eigen::Vector3d(1, 0, 0), Eigen::Vector3d(0, 1, 0)};
  const steer::diagonal_map stretch{Eigen::Vector3f(1, 2, 3), Eigen::Vector3f::Zero()};
  const steer::dense_map mix{(steer::matrix<float>(3, 3) << 1, 1, 0, 0, 1, 1, 0, 0, 1).finished(),
                             Eigen::Vector3f::Zero()};
  EXPECT_EQ(warnings(steer::recipe{}.add(a, {.strength = 0.5F}).ablate(a)), 1U);
  EXPECT_EQ(warnings(steer::recipe{}.add(a, {.strength = 0.5F}).cap(a, 1.0F)), 1U);
  EXPECT_EQ(warnings(steer::recipe{}.rotate(plane, {.angle = 0.5F}).ablate(a)), 1U);
  EXPECT_EQ(warnings(steer::recipe{}.set_angle(plane, {.angle = 0.5F}).rotate(plane, {.angle = 1.0F})), 1U);
  EXPECT_EQ(warnings(steer::recipe{}.rotate(plane, {.angle = 0.5F}).rotate(plane, {.angle = 1.0F})), 0U);
  EXPECT_EQ(warnings(steer::recipe{}.transform(stretch).ablate(b)), 1U);
  EXPECT_EQ(warnings(steer::recipe{}.transform(stretch).ablate(a)), 0U);
  EXPECT_EQ(warnings(steer::recipe{}.transform(mix).transform(stretch)), 1U);
  EXPECT_EQ(warnings(steer::recipe{}.erase(a, b).ablate(a)), 1U);
  EXPECT_EQ(warnings(steer::recipe{}.turn_towards(b, {.share = 0.5F}).add(a)), 1U);
}

TEST(order_warnings, look_at_norm_modes) {
  EXPECT_EQ(warnings(steer::recipe{}.add(a, {.strength = 0.5F}).add(c, {.strength = 0.5F})), 0U);
  EXPECT_EQ(warnings(steer::recipe{}
                         .add(a, {.strength = 0.5F, .norm = steer::restore_norm})
                         .add(c, {.strength = 0.5F, .norm = steer::restore_norm})),
            1U)
      << "what is restored is not what is added";
}

TEST(order_warnings, say_may_where_one_edit_moves_what_a_gate_reads) {
  const auto gated_by = [](const steering_vector& v) {
    return steer::add_options{.strength = 0.5F, .gate = {.conditions = {steer::above(v, 3.0F)}}};
  };
  const auto found = steer::order_warnings(steer::recipe{}.add(c, {.strength = 0.5F}).add(a, gated_by(c)));
  ASSERT_EQ(found.size(), 1U) << "with its gate open, an addition commutes with an addition";
  EXPECT_EQ(found[0].difference, 0.0);
  EXPECT_EQ(found[0].text,
            "edits 0 (add \"c\") and 1 (add \"a\") may not commute: at layer 0, edit 0 moves what the gate of edit 1 "
            "reads");
  EXPECT_EQ(warnings(steer::recipe{}.add(a, gated_by(c)).add(b, gated_by(c))), 0U) << "neither moves what is read";
}

TEST(order_warnings, of_random_ablations_are_those_with_a_cosine) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const steering_vector u = toy::random_vector(engine, {0}, 9);
    const steering_vector v = toy::random_vector(engine, {0}, 9);
    const double cosine = unit(u.directions.at(0)).dot(unit(v.directions.at(0)));
    const auto found = steer::order_warnings(steer::recipe{}.ablate(u).ablate(v));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_NEAR(found[0].difference, std::abs(cosine) * std::sqrt(1.0 - cosine * cosine), 1e-9);
  }
}

TEST(order_warnings, refuse_what_no_plan_could_do) {
  steer::recipe nowhere;
  nowhere.ablate(a, {.layers = {7}}).ablate(b, {.layers = {7}});
  expect_error<steer::shape_error>([&] { warnings(nowhere); }, "\"a\" has no direction at layer 7");
  const steer::diagonal_map wide{Eigen::Vector4f::Ones(), Eigen::Vector4f::Zero()};
  expect_error<steer::shape_error>([&] { warnings(steer::recipe{}.ablate(a).transform(wide)); }, "widths 3 and 4");
  expect_error<steer::argument_error>(
      [&] { warnings(steer::recipe{}.ablate(a).add(b, {.unit = steer::strength_unit::sigma})); }, "spread");
}

}  // namespace
