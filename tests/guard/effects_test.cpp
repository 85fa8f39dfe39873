// What edits may write at worst, held against what plans of them do to random rows.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <variant>
#include <vector>
#include <Eigen/Dense>

#include "inject/batch.hpp"
#include "inject/random_recipe.hpp"
#include "steer/guard/effects.hpp"
#include "steer/inject/plan.hpp"
#include "steer/recipe/recipe.hpp"
#include "toy.hpp"

namespace {

using steer::point;
using steer::site;
using steer::detail::effect;

constexpr double mean_norm = 3.0;

steer::row_norms every_norm(const steer::model_shape& shape) {
  steer::row_norms out;
  for (int layer = 0; layer < shape.layers; ++layer) {
    for (const point p : steer::all_points) {
      out[{layer, p}] = mean_norm;
    }
  }
  return out;
}

/// A recipe without norm modes, which effects leave out.
steer::recipe without_norm_modes(const steer::recipe& from) {
  steer::recipe out;
  for (steer::edit e : from.edits()) {
    e.where.norm = {};
    out.append(std::move(e));
  }
  return out;
}

/// What a plan adds to random rows of the mean norm: calls `use(where, added)` for each.
template <class Use>
void with_additions(const steer::recipe& recipe, const steer::model_shape& shape, std::mt19937_64& engine, Use use) {
  const steer::basic_plan<double> plan(recipe, shape);
  for (int layer = 0; layer < shape.layers; ++layer) {
    for (const point p : steer::all_points) {
      const site where{layer, p};
      steer::matrix<double> rows = toy::random_rows<double>(engine, 24, shape.width_at(p));
      rows.rowwise().normalize();
      rows *= mean_norm;
      const steer::matrix<double> before = rows;
      std::vector<steer::row_info> info;
      for (std::int32_t i = 0; i < rows.rows(); ++i) {
        info.push_back({.position = i, .prompt_length = 12, .phase = i < 12 ? steer::phase::prompt : steer::phase::generation});
      }
      plan(where, toy::view(rows, info));
      for (Eigen::Index i = 0; i < rows.rows(); ++i) {
        use(where, Eigen::VectorXd((rows.row(i) - before.row(i)).transpose()), Eigen::VectorXd(before.row(i).transpose()));
      }
    }
  }
}

class every_operation : public testing::TestWithParam<std::size_t> {};

TEST_P(every_operation, moves_no_row_farther_or_elsewhere_than_its_effect_says) {
  int moved = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const steer::model_shape shape = toy::shape(2, 8 + static_cast<std::ptrdiff_t>(engine() % 20));
    steer::recipe drawn;
    drawn.append(toy::random_edit(engine, shape, GetParam(), toy::latched_gates::none, [](const auto&) { return true; }));
    const steer::recipe recipe = without_norm_modes(drawn);
    std::vector<effect> effects;
    try {
      effects = steer::detail::effects_of(recipe, shape, every_norm(shape));
    } catch (const steer::error&) {
      continue;  // such as directions that are nearly dependent
    }
    with_additions(recipe, shape, engine, [&](site where, const Eigen::VectorXd& added, const Eigen::VectorXd&) {
      const effect* found = nullptr;
      for (const effect& each : effects) {
        found = each.where == where ? &each : found;
      }
      if (found == nullptr) {
        EXPECT_EQ(added.norm(), 0.0);
        return;
      }
      const double rounding = 1e-7 * (1.0 + added.norm());
      EXPECT_LE(added.norm(), found->reach + rounding);
      moved += added.norm() > 1e-3;
      if (found->is_constant()) {
        const double along = added.dot(found->constant) / found->constant.squaredNorm();
        EXPECT_LE((added - along * found->constant).norm(), rounding);
        EXPECT_GE(along, -1e-7);
        if (std::isfinite(found->reach)) {
          EXPECT_LE(along, 1.0 + 1e-7);
        }
      } else if (found->span.rows() > 0 && !std::holds_alternative<steer::towards_edit>(recipe.edits().front().operation)) {
        EXPECT_LE((added - found->span.transpose() * (found->span * added)).norm(), rounding);
      }
      const steer::matrix<double> basis = steer::detail::orthonormal(toy::random_rows<double>(engine, 2, shape.width_at(where.point)));
      if (added.norm() > 1e-6 && !std::holds_alternative<steer::towards_edit>(recipe.edits().front().operation)) {
        EXPECT_LE((basis * added).norm() / added.norm(), share_inside(basis, *found) + 1e-7);
      }
    });
  }
  if (GetParam() + 1 < std::variant_size_v<steer::operation>) {  // the last one watches
    EXPECT_GT(moved, 100);
  }
}

INSTANTIATE_TEST_SUITE_P(effects, every_operation, testing::Range(std::size_t{0}, std::variant_size_v<steer::operation>));

TEST(effects, of_a_stack_bound_what_it_does_to_a_row) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const steer::model_shape shape = toy::shape(2, 8 + static_cast<std::ptrdiff_t>(engine() % 20));
    const steer::recipe recipe = without_norm_modes(toy::random_recipe(engine, shape));
    const std::vector<effect> effects = steer::detail::effects_of(recipe, shape, every_norm(shape));
    with_additions(recipe, shape, engine, [&](site where, const Eigen::VectorXd& added, const Eigen::VectorXd&) {
      double sum = 0.0;
      for (const effect& each : effects) {
        sum += each.where == where ? each.reach : 0.0;
      }
      EXPECT_LE(added.norm(), sum * (1.0 + 1e-7) + 1e-9);
    });
  }
}

TEST(effects, count_gates_as_open_and_ramps_at_their_cap) {
  const steer::steering_vector v{.name = "v", .directions = {{0, {.values = Eigen::Vector3f(2.0F, 0.0F, 0.0F)}}}};
  const auto reach = [&](steer::gate gate) {
    steer::recipe recipe;
    recipe.add(v, {.strength = 0.5F, .unit = steer::strength_unit::raw}, {.gate = std::move(gate)});
    return steer::detail::effects_of(recipe, toy::shape(1, 3), {}).front().reach;
  };
  EXPECT_DOUBLE_EQ(reach({}), 1.0);
  EXPECT_DOUBLE_EQ(reach({.share = -0.25F}), 0.25);
  EXPECT_DOUBLE_EQ(reach({.conditions = {steer::above(v, 1e30F)}}), 1.0);
  EXPECT_DOUBLE_EQ(reach({.share = 2.0F, .conditions = {steer::ramp(v, 0.0F, 1.0F, 3.0F)}}), 6.0);
  EXPECT_EQ(reach({.conditions = {steer::ramp(v, 0.0F, 1.0F)}}), std::numeric_limits<double>::infinity());
  EXPECT_EQ(reach({.conditions = {steer::excess(v, 0.5F, steer::reading::projection)}}), std::numeric_limits<double>::infinity());
  EXPECT_DOUBLE_EQ(reach({.conditions = {steer::excess(v, 0.25F, steer::reading::cosine)}}), 0.75);
  EXPECT_DOUBLE_EQ(reach({.conditions = {steer::ramp(v, 0.0F, 1.0F), steer::above(v, 0.0F)}}), 1.0) << "all: the least";
  EXPECT_EQ(reach({.conditions = {steer::ramp(v, 0.0F, 1.0F), steer::above(v, 0.0F)}, .combination = steer::combination::any}),
            std::numeric_limits<double>::infinity());
  EXPECT_DOUBLE_EQ(reach({.conditions = {steer::ramp(v, 0.0F, 1.0F)}, .combination = steer::combination::none}), 1.0);
}

TEST(effects, of_rows_that_act_together_have_one_number) {
  const steer::steering_vector v{.name = "v", .directions = {{0, {.values = Eigen::Vector3f(2.0F, 0.0F, 0.0F)}}}};
  steer::recipe recipe;
  const steer::placement generated{.rows = {.phase = steer::phase::generation}};
  recipe.add(v).add(v, generated).add(v, generated).add(v, {.rows = steer::first_rows(2)}).add(v, {.gate = {.conditions = {steer::above(v, 0.0F)}}});
  std::vector<std::ptrdiff_t> rows;
  for (const effect& each : steer::detail::effects_of(recipe, toy::shape(1, 3), {})) {
    rows.push_back(each.rows);
  }
  EXPECT_EQ(rows, (std::vector<std::ptrdiff_t>{0, 1, 1, 2, -1}));
}

TEST(effects, have_no_limit_where_the_row_norm_is_not_known) {
  const steer::steering_vector v{.name = "v", .directions = {{0, {.values = Eigen::Vector3f(2.0F, 0.0F, 0.0F)}}}};
  steer::recipe recipe;
  recipe.ablate(v);
  EXPECT_EQ(steer::detail::effects_of(recipe, toy::shape(1, 3), {}).front().reach, std::numeric_limits<double>::infinity());
  EXPECT_DOUBLE_EQ(steer::detail::effects_of(recipe, toy::shape(1, 3), {{{0, point::residual_out}, 5.0}}).front().reach, 5.0);
}

TEST(orthonormal_rows, span_the_same_and_leave_out_what_adds_nothing) {
  std::mt19937_64 engine(1);
  steer::matrix<double> rows = toy::random_rows<double>(engine, 5, 9);
  rows.row(3) = 2.0 * rows.row(0) - rows.row(1);
  rows.row(4).setZero();
  const steer::matrix<double> found = steer::detail::orthonormal(rows);
  ASSERT_EQ(found.rows(), 3);
  EXPECT_LE((found * found.transpose() - Eigen::MatrixXd::Identity(3, 3)).norm(), 1e-12);
  EXPECT_LE((rows - rows * found.transpose() * found).norm(), 1e-12);
}

TEST(share_inside, is_the_cosine_of_the_smallest_angle) {
  std::mt19937_64 engine(2);
  for (int i = 0; i < 20; ++i) {
    const steer::matrix<double> basis = steer::detail::orthonormal(toy::random_rows<double>(engine, 1 + i % 3, 9));
    const steer::matrix<double> span = steer::detail::orthonormal(toy::random_rows<double>(engine, 1 + i % 4, 9));
    const Eigen::JacobiSVD<Eigen::MatrixXd> svd(basis * span.transpose());
    EXPECT_NEAR(steer::detail::share_inside(basis, span), svd.singularValues()[0], 1e-12);
    EXPECT_NEAR(steer::detail::share_inside(basis, Eigen::VectorXd(span.row(0).transpose())), (basis * span.row(0).transpose()).norm(), 1e-12);
  }
}

}  // namespace
