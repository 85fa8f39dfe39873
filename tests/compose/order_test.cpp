#include "steer/compose/order.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <random>
#include <string>
#include <utility>
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
      "edits 1 (ablate \"a\") and 2 (ablate \"b\") do not commute: at layer 1, which of them comes first changes a row "
      "by up to 0.48 of its norm; recipe::set ablates directions jointly");
}

TEST(order_warnings, stay_silent_where_edits_commute) {
  EXPECT_EQ(warnings(steer::recipe{}), 0U);
  EXPECT_EQ(warnings(steer::recipe{}.add(a).add(b).add(c)), 0U) << "additions do";
  EXPECT_EQ(warnings(steer::recipe{}.ablate(a).ablate(c)), 0U) << "orthogonal ablations do";
  EXPECT_EQ(warnings(steer::recipe{}.ablate(a).reflect(a)), 0U) << "one direction does with itself";
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
                         .add(a, {.strength = 0.5F}, {.norm = steer::restore_norm})
                         .add(c, {.strength = 0.5F}, {.norm = steer::restore_norm})),
            1U)
      << "what is restored is not what is added";
}

TEST(order_warnings, say_may_where_one_edit_moves_what_a_gate_reads) {
  const auto gated_by = [](const steering_vector& v) {
    return steer::placement{.gate = {.conditions = {steer::above(v, 3.0F)}}};
  };
  const steer::add_options half{.strength = 0.5F};
  const auto found = steer::order_warnings(steer::recipe{}.add(c, half).add(a, half, gated_by(c)));
  ASSERT_EQ(found.size(), 1U) << "with its gate open, an addition commutes with an addition";
  EXPECT_EQ(found[0].difference, 0.0);
  EXPECT_EQ(found[0].text,
            "edits 0 (add \"c\") and 1 (add \"a\") may not commute: at layer 0, edit 0 moves what the gate of edit 1 "
            "reads");
  EXPECT_EQ(warnings(steer::recipe{}.add(a, half, gated_by(c)).add(b, half, gated_by(c))), 0U) << "neither moves what is read";
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

/// A vector of the heads' outputs side by side, or of one of them.
steering_vector of_heads(const char* name, const Eigen::VectorXf& values) {
  steering_vector out;
  out.name = name;
  out.point = steer::point::attention_heads;
  out.directions[0].values = values;
  out.directions[0].row_norm = 4.0;
  return out;
}

TEST(order_warnings, see_an_edit_of_one_head_beside_one_of_the_whole_row) {
  const steering_vector whole = of_heads("whole", Eigen::Vector4f(1, 0, 1, 0));
  const steering_vector first = of_heads("first", Eigen::Vector2f(1, 0));
  const steering_vector second = of_heads("second", Eigen::Vector2f(0, 1));
  const auto found = steer::order_warnings(steer::recipe{}.ablate(first, {.head = 1}).ablate(whole));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NEAR(found[0].difference, 0.5, 1e-6) << "cosine times sine of an eighth of a turn";
  EXPECT_EQ(warnings(steer::recipe{}.ablate(whole).ablate(first, {.head = 0})), 1U);
  EXPECT_EQ(warnings(steer::recipe{}.ablate(whole).ablate(second, {.head = 0})), 0U) << "orthogonal in that head";
  EXPECT_EQ(warnings(steer::recipe{}.ablate(first, {.head = 0}).reflect(first, {.head = 1})), 0U);
  EXPECT_EQ(warnings(steer::recipe{}.ablate(first, {.head = 0}).add(first, {.head = 1})), 0U) << "other columns";
  EXPECT_EQ(warnings(steer::recipe{}.ablate(first, {.head = 1}).add(first, {.head = 1})), 1U) << "the same columns";
  EXPECT_EQ(warnings(steer::recipe{}.add(whole, {.strength = 0.5F}).add(second, {.norm = steer::restore_norm, .head = 1})), 1U)
      << "a norm is that of the slice";
  const steer::dense_map mix{(steer::matrix<float>(2, 2) << 1, 1, 0, 1).finished(), Eigen::Vector2f::Zero()};
  const steer::diagonal_map stretch{Eigen::Vector4f(1, 1, 1, 3), Eigen::Vector4f::Zero()};
  const auto of_map = [&](int head) {
    return steer::recipe{}
        .transform(stretch, {.point = steer::point::attention_heads})
        .transform(mix, {.point = steer::point::attention_heads}, {.head = head});
  };
  EXPECT_EQ(warnings(of_map(0)), 0U) << "the map leaves head 0 alone";
  EXPECT_EQ(warnings(of_map(1)), 1U);
}

TEST(order_warnings, say_may_where_a_gate_reads_columns_that_overlap) {
  const steering_vector whole = of_heads("whole", Eigen::Vector4f(1, 0, 1, 0));
  const steering_vector first = of_heads("first", Eigen::Vector2f(1, 0));
  const steering_vector second = of_heads("second", Eigen::Vector2f(0, 1));
  const auto gated_by = [](const steering_vector& v, std::optional<int> head) {
    return steer::placement{.gate = {.conditions = {steer::above(v, 3.0F)}}, .head = head};
  };
  EXPECT_EQ(warnings(steer::recipe{}.add(whole).add(second, gated_by(first, 1))), 1U) << "head 1 reads part of the row";
  EXPECT_EQ(warnings(steer::recipe{}.add(whole).add(first, gated_by(second, 1))), 0U);
  EXPECT_EQ(warnings(steer::recipe{}.add(first, {.head = 0}).add(whole, gated_by(whole, {}))), 1U);
  EXPECT_EQ(warnings(steer::recipe{}.add(first, {.head = 0}).add(first, gated_by(first, 1))), 0U);
}

TEST(order_warnings, say_may_where_a_gate_latches_on_what_another_edit_moves) {
  const auto latched_by = [](const steering_vector& v, std::optional<int> layer) {
    return steer::placement{
        .layers = {1},
        .gate = {.conditions = {steer::above(v, 3.0F)}, .time = steer::gate_time::on_prompt, .layer = layer}};
  };
  const auto found = steer::order_warnings(steer::recipe{}.add(a, latched_by(c, 0)).add(c, {.layers = {0}}));
  ASSERT_EQ(found.size(), 1U) << "it reads at a layer at which it does not act";
  EXPECT_EQ(found[0].text,
            "edits 0 (add \"a\") and 1 (add \"c\") may not commute: at layer 0, edit 1 moves what the gate of edit 0 "
            "reads");
  EXPECT_EQ(warnings(steer::recipe{}.add(a, latched_by(c, 0)).add(c, {.layers = {1}})), 0U) << "nothing moves layer 0";
  EXPECT_EQ(warnings(steer::recipe{}.add(a, latched_by(c, 0)).add(b, {.layers = {0}})), 0U);
  EXPECT_EQ(warnings(steer::recipe{}.add(a, latched_by(c, {})).add(c, {.rows = {.phase = steer::phase::prompt}})), 1U)
      << "it reads the prompt, where the other acts";
  EXPECT_EQ(warnings(steer::recipe{}.add(a, latched_by(c, {})).add(c, {.rows = {.phase = steer::phase::generation}})), 0U);
  EXPECT_EQ(warnings(steer::recipe{}.add(a, latched_by(c, {})).ablate(a, {.rows = {.phase = steer::phase::prompt}})), 0U)
      << "what latches acts on what is generated only";
  steering_vector residual = c;
  residual.point = steer::point::residual_in;
  EXPECT_EQ(warnings(steer::recipe{}.add(a, latched_by(residual, 0)).add(residual)), 1U) << "at another point, too";
}

TEST(order_warnings, look_at_every_layer_that_a_gate_reads) {
  steering_vector turning = c;
  turning.directions.at(1).values = Eigen::Vector3f(1.0F, 0.0F, 0.0F);
  const steer::diagonal_map stretch{Eigen::Vector3f(2, 1, 1), Eigen::Vector3f::Zero()};
  const steer::placement gated{.gate = {.conditions = {steer::above(turning, 3.0F)}}};
  const auto found = steer::order_warnings(steer::recipe{}.transform(stretch).transform(stretch, gated));
  ASSERT_EQ(found.size(), 1U) << "both act everywhere";
  EXPECT_EQ(found[0].layer, 1);
}

/// h -> linear h + shift of the whole row, from the definition of an addition or a scaling in some columns of it.
struct affine {
  Eigen::MatrixXd linear;
  Eigen::VectorXd shift;
};

TEST(order_warnings, of_random_affine_edits_of_heads_and_rows_are_those_that_do_not_commute) {
  std::size_t silent = 0;
  std::size_t warned = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const auto any = [&](int n) { return static_cast<int>(engine() % static_cast<unsigned>(n)); };
    constexpr Eigen::Index heads = 3;
    constexpr Eigen::Index wide = 2;
    steer::recipe recipe;
    std::vector<affine> naive;
    std::vector<int> layers;
    for (int i = 0; i < 2; ++i) {
      const bool whole = any(2) == 0;
      const int head = any(heads);
      const Eigen::Index width = whole ? heads * wide : wide;
      Eigen::VectorXf values = Eigen::VectorXf::Zero(width);
      while (values.isZero()) {  // many zeros, so that many pairs commute
        values = values.unaryExpr([&](float) { return static_cast<float>(any(3) - 1); });
      }
      steering_vector v = of_heads(i == 0 ? "p" : "q", values);
      const int layer = any(3) == 0 ? 1 : 0;
      v.directions[layer] = std::exchange(v.directions[0], {});
      if (layer != 0) {
        v.directions.erase(0);
      }
      const std::optional<int> at = whole ? std::nullopt : std::optional(head);
      const Eigen::VectorXd u = unit(v.directions.at(layer));
      Eigen::VectorXd row = Eigen::VectorXd::Zero(heads * wide);
      row.segment(whole ? 0 : head * wide, width) = u;
      const auto amount = static_cast<double>(1 + any(2));
      affine formula{Eigen::MatrixXd::Identity(heads * wide, heads * wide), Eigen::VectorXd::Zero(heads * wide)};
      if (any(2) == 0) {
        recipe.add(v, {.strength = static_cast<float>(amount), .unit = steer::strength_unit::unit}, {.head = at});
        formula.shift = amount * row;
      } else {
        recipe.ablate(v, {.share = static_cast<float>(amount)}, {.head = at});
        formula.linear -= amount * row * row.transpose();
      }
      naive.push_back(formula);
      layers.push_back(layer);
    }
    const affine& p = naive[0];
    const affine& q = naive[1];
    const double apart = (p.linear * q.linear - q.linear * p.linear).norm() +
                         (p.linear * q.shift + p.shift - q.linear * p.shift - q.shift).norm();
    const bool expected = layers[0] == layers[1] && apart > 1e-9;
    EXPECT_EQ(warnings(recipe), expected ? 1U : 0U);
    ++(expected ? warned : silent);
  }
  EXPECT_GT(warned, 50U);
  EXPECT_GT(silent, 50U);
}

TEST(order_warnings, refuse_what_no_plan_could_do) {
  const steering_vector row = of_heads("row", Eigen::Vector4f(1, 0, 1, 0));
  const steering_vector three = of_heads("three", Eigen::Vector3f(1, 0, 1));
  const steering_vector two = of_heads("two", Eigen::Vector2f(1, 0));
  expect_error<steer::shape_error>([&] { warnings(steer::recipe{}.ablate(row).ablate(two, {.head = 2})); },
                                   "head 2 of width 2", "a row of width 4");
  expect_error<steer::shape_error>([&] { warnings(steer::recipe{}.ablate(three, {.head = 0}).ablate(row)); },
                                   "head 0 of width 3", "a row of width 4");
  steer::recipe nowhere;
  nowhere.ablate(a, {.layers = {7}}).ablate(b, {.layers = {7}});
  expect_error<steer::shape_error>([&] { warnings(nowhere); }, "\"a\" has no direction at layer 7");
  const steer::diagonal_map wide{Eigen::Vector4f::Ones(), Eigen::Vector4f::Zero()};
  expect_error<steer::shape_error>([&] { warnings(steer::recipe{}.ablate(a).transform(wide)); }, "widths 3 and 4");
  expect_error<steer::argument_error>(
      [&] { warnings(steer::recipe{}.ablate(a).add(b, {.unit = steer::strength_unit::sigma})); }, "spread");
}

}  // namespace
