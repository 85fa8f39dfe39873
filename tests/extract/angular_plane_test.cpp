#include "steer/extract/angular_plane.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <random>

#include "expect_error.hpp"
#include "steer/compose/apply_edit.hpp"
#include "steer/recipe/recipe.hpp"
#include "toy.hpp"

namespace {

TEST(angular_plane, is_the_best_agreeing_layer_and_the_first_component_of_all) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const steer::steering_vector v = toy::random_vector(engine, {0, 1, 2, 5, 7, 8}, 12);
    const steer::plane found = steer::angular_plane(v);
    EXPECT_NEAR(found.first.norm(), 1.0, 1e-12);
    EXPECT_NEAR(found.second.norm(), 1.0, 1e-12);
    EXPECT_NEAR(found.first.dot(found.second), 0.0, 1e-12);
    double most = -2.0;
    Eigen::VectorXd best;
    Eigen::MatrixXd units(6, 12);
    Eigen::Index row = 0;
    for (const auto& [layer, a] : v.directions) {
      double sum = 0.0;
      for (const auto& [other, b] : v.directions) {
        sum += other == layer ? 0.0 : unit(a).dot(unit(b));
      }
      if (sum > most) {
        most = sum;
        best = unit(a);
      }
      units.row(row++) = unit(a).transpose();
    }
    EXPECT_LE((found.first - best).norm(), 1e-12);
    const Eigen::MatrixXd centred = units.rowwise() - units.colwise().mean();
    Eigen::VectorXd component = Eigen::JacobiSVD<Eigen::MatrixXd>(centred, Eigen::ComputeThinV).matrixV().col(0);
    component *= component.dot(centred.row(5)) < 0.0 ? -1.0 : 1.0;
    EXPECT_LE((found.second - (component - best * best.dot(component)).normalized()).norm(), 1e-10);
  }
}

TEST(angular_plane, turns_idempotently_additively_and_keeps_norms) {
  std::mt19937_64 engine(3);
  const steer::plane plane = steer::angular_plane(toy::random_vector(engine, {0, 1, 2, 3}, 9));
  const auto apply = [](const steer::recipe& recipe, Eigen::VectorXd h) {
    for (const steer::edit& e : recipe.edits()) {
      steer::detail::apply_edit(e.operation, 0, h.norm(), h);
    }
    return h;
  };
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Eigen::VectorXd h = toy::random_rows<double>(engine, 1, 9).row(0).transpose();
    const auto angle = 0.25F * static_cast<float>(seed);  // sums of these are exact
    steer::recipe set;
    set.set_angle(plane, {.angle = angle});
    const Eigen::VectorXd once = apply(set, h);
    EXPECT_LE((apply(set, once) - once).norm(), 1e-12);
    EXPECT_NEAR(once.norm(), h.norm(), 1e-12);
    steer::recipe both;
    both.rotate(plane, {.angle = 0.5F}).rotate(plane, {.angle = angle});
    steer::recipe sum;
    sum.rotate(plane, {.angle = 0.5F + angle});
    EXPECT_LE((apply(both, h) - apply(sum, h)).norm(), 1e-12);
    EXPECT_NEAR(apply(both, h).norm(), h.norm(), 1e-12);
    steer::steering_vector axis;
    axis.directions[0].values = plane.first.cast<float>();
    steer::recipe reflect;
    reflect.reflect(axis).reflect(axis);
    EXPECT_LE((apply(reflect, h) - h).norm(), 1e-12) << "reflecting is an involution";
  }
}

TEST(angular_plane, refuses_by_message) {
  std::mt19937_64 engine(3);
  const steer::steering_vector two = toy::random_vector(engine, {0, 1}, 9);
  expect_error<steer::numeric_error>([&] { steer::angular_plane(two); }, "directions at 2 layers", "at least 3");
  steer::steering_vector same = two;
  same.directions[1].values = 2.0F * same.directions[0].values;
  same.directions[2].values = 3.0F * same.directions[0].values;
  expect_error<steer::numeric_error>([&] { steer::angular_plane(same); }, "all the same");
  same.directions[2].values = -same.directions[0].values;
  expect_error<steer::numeric_error>([&] { steer::angular_plane(same); }, "on one line");
}

}  // namespace
