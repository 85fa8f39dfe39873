#include "steer/compose/joint_dose.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "steer/compose/apply_edit.hpp"
#include "steer/recipe/recipe.hpp"
#include "steer/vector/frame.hpp"
#include "toy.hpp"

namespace {

using steer::steering_vector;
using steer::strength_unit;

struct stack {
  std::vector<steering_vector> vectors;
  std::vector<double> targets;

  explicit stack(unsigned seed) {
    std::mt19937_64 engine(seed);
    for (std::size_t i = 0; i < 2 + seed % 4; ++i) {
      vectors.push_back(toy::random_vector(engine, {2, 5}, 12));
      vectors.back().name = std::string(1, static_cast<char>('a' + i));
      targets.push_back(static_cast<double>(engine() % 9) - 4.0 + 0.5);
    }
  }
  Eigen::MatrixXd units(int layer) const {
    Eigen::MatrixXd out(static_cast<Eigen::Index>(vectors.size()), 12);
    for (std::size_t i = 0; i < vectors.size(); ++i) {
      out.row(static_cast<Eigen::Index>(i)) = unit(vectors[i].directions.at(layer)).transpose();
    }
    return out;
  }
  Eigen::VectorXd target() const { return Eigen::Map<const Eigen::VectorXd>(targets.data(), std::ssize(targets)); }
};

double mean_row_norm(const std::vector<steering_vector>& vectors, int layer) {
  double sum = 0.0;
  for (const steering_vector& v : vectors) {
    sum += *v.directions.at(layer).row_norm;
  }
  return sum / static_cast<double>(vectors.size());
}

TEST(joint_dose, hits_every_target_with_the_pseudo_inverse_and_the_least_norm) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const stack s(seed);
    const steer::joint_dose found = steer::solve_joint_dose(s.vectors, s.targets, {.unit = strength_unit::unit});
    for (const auto& [layer, report] : found.layers) {
      const Eigen::MatrixXd v = s.units(layer);
      const Eigen::VectorXd move = v.transpose() * report.weights;
      EXPECT_LE((v * move - s.target()).norm(), 1e-12 * report.condition);
      EXPECT_LE((report.reached - s.target()).norm(), 1e-12 * report.condition);
      EXPECT_LE((move - v.completeOrthogonalDecomposition().pseudoInverse() * s.target()).norm(),
                1e-12 * report.condition);
      EXPECT_NEAR(report.norm, std::sqrt(s.target().dot((v * v.transpose()).inverse() * s.target())),
                  1e-12 * report.condition);
      EXPECT_LE((found.move.directions.at(layer).values.cast<double>() - move).norm(), 1e-6 * move.norm());
      // any other move that hits the targets differs by something that no direction reads, and is longer
      std::mt19937_64 engine(seed);
      Eigen::VectorXd other = toy::random_rows<double>(engine, 1, 12).row(0).transpose();
      other -= v.completeOrthogonalDecomposition().pseudoInverse() * (v * other);
      EXPECT_GT((move + other).norm(), report.norm);
      EXPECT_EQ(report.share, 1.0);
    }
  }
}

TEST(joint_dose, in_a_recipe_moves_what_was_asked_in_its_unit) {
  for (const strength_unit unit_of_targets : {strength_unit::raw, strength_unit::of_norm, strength_unit::sigma}) {
    SCOPED_TRACE(to_string(unit_of_targets));
    const stack s(3);
    steer::recipe recipe;
    recipe.add(steer::solve_joint_dose(s.vectors, s.targets, {.unit = unit_of_targets}).move);
    Eigen::VectorXd h = Eigen::VectorXd::Ones(12);
    steer::detail::apply_edit(recipe.edits()[0].operation, 5, h.norm(), h);
    for (std::size_t i = 0; i < s.vectors.size(); ++i) {
      const steer::direction& v = s.vectors[i].directions.at(5);
      const double size = steer::detail::size_of(unit_of_targets, v, "");
      EXPECT_NEAR(unit(v).dot(h - Eigen::VectorXd::Ones(12)), s.targets[i] * size, 1e-4 * (1.0 + size));
    }
  }
}

TEST(joint_dose, with_a_ridge_says_what_it_misses) {
  const stack s(1);
  const steer::joint_dose found =
      steer::solve_joint_dose(s.vectors, s.targets, {.unit = strength_unit::unit, .ridge = 0.5});
  for (const auto& [layer, report] : found.layers) {
    const Eigen::MatrixXd v = s.units(layer);
    const Eigen::MatrixXd g = v * v.transpose();
    const Eigen::MatrixXd identity = Eigen::MatrixXd::Identity(g.rows(), g.rows());
    EXPECT_LE((report.reached - g * (g + 0.5 * identity).inverse() * s.target()).norm(), 1e-12);
    EXPECT_GT((report.reached - s.target()).norm(), 0.1);
  }
}

TEST(joint_dose, over_budget_is_refused_with_what_would_fit_or_shortened) {
  const stack s(2);
  const auto solve = [&](double budget, steer::over_budget then) {
    return steer::solve_joint_dose(s.vectors, s.targets,
                                   {.unit = strength_unit::unit, .budget = budget, .over_budget = then});
  };
  expect_error<steer::numeric_error>([&] { solve(0.01, steer::over_budget::refuse); }, "layer 2: infeasible",
                                     "the budget is 0.01", "of the targets would fit");
  const steer::joint_dose short_one = solve(0.01, steer::over_budget::shorten);
  for (const auto& [layer, report] : short_one.layers) {
    EXPECT_LT(report.share, 1.0);
    EXPECT_NEAR(report.norm, 0.01 * mean_row_norm(s.vectors, layer), 1e-12);
    EXPECT_LE((report.reached - report.share * s.target()).norm(), 1e-12);
  }
  EXPECT_EQ(solve(1e6, steer::over_budget::refuse).layers.at(2).share, 1.0);
}

TEST(joint_ablation, leaves_nothing_where_one_after_the_other_does) {
  steering_vector a;
  a.directions[0].values = Eigen::Vector3f(1.0F, 0.0F, 0.0F);
  steering_vector b;
  b.directions[0].values = Eigen::Vector3f(0.5F, std::sqrt(0.75F), 0.0F);
  const Eigen::VectorXd ub = unit(b.directions.at(0));
  const auto apply = [](const steer::recipe& recipe, Eigen::VectorXd h) {
    for (const steer::edit& e : recipe.edits()) {
      steer::detail::apply_edit(e.operation, 0, h.norm(), h);
    }
    return h;
  };
  // h is orthogonal to a and has .25 along b: taking that away leaves -.125 along a.
  const Eigen::VectorXd h = Eigen::Vector3d(0.0, 0.25 / ub[1], 2.0);
  steer::recipe sequential;
  sequential.ablate(a).ablate(b);
  EXPECT_NEAR(apply(sequential, h)[0], -0.125, 1e-7);
  steer::recipe joint;
  joint.set({a, b}, {0.0F, 0.0F});
  EXPECT_LE(std::abs(apply(joint, h)[0]), 2e-16);
  EXPECT_LE(std::abs(ub.dot(apply(joint, h))), 2e-16);
  EXPECT_EQ(apply(joint, h)[2], 2.0);
}

TEST(joint_dose, refuses_by_message) {
  stack s(0);
  const auto solve = [&](std::vector<double> targets, steer::joint_dose_options options = {}) {
    steer::solve_joint_dose(s.vectors, targets, options);
  };
  expect_error<steer::argument_error>([&] { solve({1.0}); }, "2 vectors and 1 targets");
  expect_error<steer::argument_error>([&] { solve({0.0, 0.0}); }, "all 0", "recipe::set");
  expect_error<steer::argument_error>([&] { solve({1.0, std::nan("")}); }, "not finite");
  expect_error<steer::argument_error>([&] { solve({1.0, 1.0}, {.unit = strength_unit::of_row_norm}); }, "of_row_norm");
  expect_error<steer::argument_error>([&] { solve({1.0, 1.0}, {.budget = 0.0}); }, "budget 0");
  s.vectors[1].directions[2].row_norm = std::nullopt;
  expect_error<steer::argument_error>([&] { solve({1.0, 1.0}); }, "layer 2", "mean row norm");
  expect_error<steer::argument_error>(
      [&] {
        solve({1.0, 1.0}, {.unit = strength_unit::unit, .budget = 1.0});
      },
      "a budget needs every vector's mean row norm");
  s.vectors[1].directions = s.vectors[0].directions;
  expect_error<steer::numeric_error>([&] { solve({1.0, 1.0}); }, "joint dose (a 1, b 1), layer 2", "nearly dependent");
}

TEST(joint_dose, errors_have_fields) {
  std::mt19937_64 engine(1);
  steering_vector a = toy::random_vector(engine, {2, 4}, 5);
  a.name = "a";
  steering_vector b = a;
  b.name = "b";
  const std::string who = "joint dose (a 1, b 1)";
  const double most = steer::frame::most_condition;
  EXPECT_EQ(most, 1e6);
  try {
    steer::solve_joint_dose({a, b}, {1.0, 1.0});
    ADD_FAILURE() << "nothing was thrown";
  } catch (const steer::numeric_error& caught) {
    EXPECT_EQ(caught.fields().what, who);
    EXPECT_EQ(caught.fields().layer, 2);
    EXPECT_EQ(caught.fields().expected, "at most 1e+06");
  }
  b.directions.at(4) = toy::random_direction(engine, 5);
  b.directions.at(2) = toy::random_direction(engine, 5);
  b.directions.at(4).row_norm.reset();
  expect_fields<steer::argument_error>([&] { steer::solve_joint_dose({a, b}, {1.0, 1.0}); },
                                       {.what = who, .layer = 4, .expected = "the vector's mean row norm"});
  expect_fields<steer::argument_error>([&] { steer::solve_joint_dose({a, b}, {1.0}); },
                                       {.what = "joint dose", .expected = "2", .actual = "1"});
}

}  // namespace
