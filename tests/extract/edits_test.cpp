// What each extraction method finds, as one line of a recipe and through a compiled plan: rows show the effect that the
// method is for.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <random>
#include <vector>
#include <Eigen/Dense>

#include "steer/extract/angular_plane.hpp"
#include "steer/extract/find_conceptor.hpp"
#include "steer/extract/gaussian_transport.hpp"
#include "steer/extract/leace.hpp"
#include "steer/extract/linear_transport.hpp"
#include "steer/extract/mean_centring.hpp"
#include "steer/extract/mean_difference.hpp"
#include "steer/extract/moments.hpp"
#include "steer/extract/pair_difference.hpp"
#include "steer/extract/principal_component.hpp"
#include "steer/extract/principal_subspace.hpp"
#include "steer/extract/probe.hpp"
#include "steer/extract/whitened_difference.hpp"
#include "steer/inject/plan.hpp"
#include "steer/recipe/recipe.hpp"
#include "toy.hpp"

namespace {

using steer::matrix;

constexpr Eigen::Index n = 200;
constexpr Eigen::Index d = 6;
constexpr steer::site where{1, steer::point::residual_out};

/// Two classes of rows with different means and covariances.
struct edits_of_methods : testing::Test {
  edits_of_methods() {
    negative = toy::random_rows<float>(engine, n, d);
    positive = toy::random_rows<float>(engine, n, d) * (0.5F * toy::random_rows<float>(engine, d, d));
    positive.rowwise() += 2.0F * Eigen::RowVectorXf::Ones(d);
  }

  /// The rows after a recipe, through a plan.
  static matrix<double> steered(const steer::recipe& recipe, matrix<float> rows) {
    const steer::plan plan{recipe, toy::shape(2, d)};
    std::vector<steer::row_info> info(static_cast<std::size_t>(rows.rows()));
    plan(where, toy::view(rows, info));
    return rows.cast<double>();
  }

  static Eigen::VectorXd mean(const matrix<double>& rows) { return rows.colwise().mean().transpose(); }
  static Eigen::MatrixXd covariance(const matrix<double>& rows) {
    const matrix<double> centred = rows.rowwise() - rows.colwise().mean();
    return centred.transpose() * centred / static_cast<double>(rows.rows());
  }

  std::mt19937_64 engine{7};
  matrix<float> positive;
  matrix<float> negative;
};

TEST_F(edits_of_methods, an_addition_moves_rows_along_any_direction_by_its_strength) {
  const auto check = [&](const Eigen::VectorXd& found) {
    const Eigen::VectorXd u = found.normalized();
    const double distance = (mean(positive.cast<double>()) - mean(negative.cast<double>())).dot(u);
    EXPECT_GT(distance, 0.5) << "it points to the positive side";
    steer::direction v;
    v.values = found.cast<float>();
    steer::recipe recipe;
    recipe.add({.directions = {{1, v}}}, {.strength = static_cast<float>(distance), .unit = steer::strength_unit::unit});
    const matrix<double> moved = steered(recipe, negative);
    EXPECT_NEAR((mean(moved) - mean(positive.cast<double>())).dot(u), 0.0, 1e-4) << "one mean lies where the other does";
    EXPECT_LE(((moved - negative.cast<double>()).rowwise() - (distance * u).transpose()).norm(), 1e-3);
  };
  check(steer::mean_difference(positive, negative));
  check(steer::principal_component(positive, negative).v);
  check(steer::principal_component(positive, negative, {.of = steer::component_of::pooled}).v);
  check(steer::whitened_difference(positive, negative));
  check(steer::fit_probe(positive, negative).w);
}

TEST_F(edits_of_methods, mean_centring_moves_rows_by_the_distance_of_the_target_from_the_corpus) {
  steer::moments corpus(d);
  corpus.update(negative);
  steer::direction v;
  v.values = steer::mean_centred(positive, corpus).cast<float>();
  steer::recipe recipe;
  recipe.add({.directions = {{1, v}}}, {.unit = steer::strength_unit::raw});
  EXPECT_LE((mean(steered(recipe, negative)) - mean(positive.cast<double>())).norm(), 1e-4);
}

TEST_F(edits_of_methods, joint_ablation_of_a_principal_subspace_leaves_nothing_in_it) {
  const steer::subspace found = steer::principal_subspace(positive, 3);
  std::vector<steer::steering_vector> vectors;
  for (const steer::direction& v : found.directions()) {
    vectors.push_back({.directions = {{1, v}}});
  }
  steer::recipe joint;
  joint.set(vectors, {0.0F, 0.0F, 0.0F});
  steer::recipe removal;
  removal.transform(found.removal());
  for (const steer::recipe& recipe : {joint, removal}) {
    const matrix<double> left = steered(recipe, positive);
    EXPECT_LE((left * found.basis.transpose()).cwiseAbs().maxCoeff(), 1e-4);
    const matrix<double> before = positive.cast<double>();
    EXPECT_LE((left - (before - before * found.basis.transpose() * found.basis)).norm(), 1e-3);
  }
}

TEST_F(edits_of_methods, erasure_makes_the_classes_means_equal_and_a_probe_blind) {
  const steer::eraser eraser = steer::binary_leace(positive, negative);
  const steer::recipe map = steer::recipe{}.transform(eraser.map());
  const steer::recipe erase = steer::recipe{}.erase({.directions = {{1, eraser.readers()[0]}}},
                                                    {.directions = {{1, eraser.writers()[0]}}}, {.origin = steer::coordinate_origin::midpoint});
  for (const steer::recipe& recipe : {map, erase}) {
    const matrix<double> p = steered(recipe, positive);
    const matrix<double> q = steered(recipe, negative);
    EXPECT_LE((mean(p) - mean(q)).norm(), 1e-4);
    const Eigen::VectorXd weights = steer::fit_probe(p, q).w;
    EXPECT_LE(weights.norm(), 1e-3) << "nothing linear is left to find";
  }
}

TEST_F(edits_of_methods, a_conceptor_blends_rows_towards_their_soft_projection) {
  const steer::conceptor c = steer::find_conceptor(positive.cast<double>());
  const matrix<double> before = negative.cast<double>();
  const matrix<double> after = steered(steer::recipe{}.transform(c.map(), {.share = 0.5F}), negative);
  EXPECT_LE((after - 0.5 * (before + before * c.matrix)).norm(), 1e-3);
}

TEST_F(edits_of_methods, gaussian_transport_gives_one_class_the_moments_of_the_other) {
  steer::moments from(d);
  steer::moments to(d);
  from.update(negative);
  to.update(positive);
  const matrix<double> moved = steered(steer::recipe{}.transform(steer::gaussian_transport(from, to, {.ridge = 0.0})), negative);
  EXPECT_LE((mean(moved) - mean(positive.cast<double>())).norm(), 1e-3);
  const Eigen::MatrixXd wanted = covariance(positive.cast<double>());
  EXPECT_LE((covariance(moved) - wanted).norm(), 1e-3 * wanted.norm());
}

TEST_F(edits_of_methods, linear_transport_gives_each_column_the_others_mean_and_no_column_the_other_sign) {
  const matrix<double> moved = steered(steer::recipe{}.transform(steer::linear_transport(negative, positive)), negative);
  EXPECT_LE((mean(moved) - mean(positive.cast<double>())).norm(), 1e-3);
  for (Eigen::Index j = 0; j < d; ++j) {
    const Eigen::VectorXd before = negative.col(j).cast<double>();
    EXPECT_GE((before.array() - before.mean()).matrix().dot(moved.col(j)), 0.0);
  }
}

TEST_F(edits_of_methods, rows_stand_at_the_angle_that_was_asked_for_in_an_angular_plane) {
  const steer::plane plane = steer::angular_plane(toy::random_vector(engine, {0, 1, 2, 3}, d));
  const auto angle = static_cast<float>(std::numbers::pi / 3.0);
  const matrix<double> turned = steered(steer::recipe{}.set_angle(plane, {.angle = angle}), positive);
  const Eigen::VectorXd first = turned * plane.first;
  const Eigen::VectorXd second = turned * plane.second;
  for (Eigen::Index i = 0; i < n; ++i) {
    EXPECT_NEAR(std::atan2(second[i], first[i]), std::numbers::pi / 3.0, 1e-4);
    EXPECT_NEAR(turned.row(i).norm(), positive.row(i).cast<double>().norm(), 1e-4);
  }
}

TEST_F(edits_of_methods, a_single_pair_adds_each_position_its_own_difference) {
  const matrix<float> p = positive.topRows(3);
  const matrix<float> q = negative.topRows(3);
  steer::recipe recipe;
  for (const auto& [position, v] : steer::pair_difference(p, q)) {
    recipe.add({.directions = {{1, v}}}, {.unit = steer::strength_unit::raw}, {.rows = {.positions = {position}}});
  }
  matrix<float> rows = q;
  std::vector<steer::row_info> info(3);
  for (std::size_t i = 0; i < info.size(); ++i) {
    info[i].position = static_cast<std::int32_t>(i);
  }
  const steer::plan plan{recipe, toy::shape(2, d)};
  plan(where, toy::view(rows, info));
  EXPECT_LE((rows - p).norm(), 1e-5);
}

}  // namespace
