#include "steer/extract/gaussian_transport.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <random>

#include "expect_error.hpp"
#include "steer/compose/apply_edit.hpp"
#include "steer/recipe/recipe.hpp"
#include "toy.hpp"

namespace {

using steer::matrix;

Eigen::MatrixXd covariance(std::mt19937_64& engine, Eigen::Index d) {
  const Eigen::MatrixXd x = toy::random_rows<double>(engine, 4 * d, d);
  return x.transpose() * x / static_cast<double>(4 * d);
}

TEST(gaussian_transport, carries_one_covariance_onto_the_other) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const Eigen::MatrixXd s1 = covariance(engine, 10);
    const Eigen::MatrixXd s2 = covariance(engine, 10);
    const Eigen::MatrixXd t = steer::detail::transport_between(s1, s2, "");
    EXPECT_LE((t * s1 * t - s2).norm(), 1e-12 * s2.norm());
    EXPECT_GT(t.selfadjointView<Eigen::Lower>().eigenvalues().minCoeff(), 0.0);
    EXPECT_EQ(t, t.transpose());
  }
}

TEST(gaussian_transport, of_commuting_covariances_is_the_ratio_of_deviations) {
  const Eigen::Vector3d one(1.0, 4.0, 0.25);
  const Eigen::Vector3d two(9.0, 1.0, 0.25);
  const Eigen::MatrixXd t = steer::detail::transport_between(one.asDiagonal(), two.asDiagonal(), "");
  EXPECT_LE((t - Eigen::MatrixXd(Eigen::Vector3d(3.0, 0.5, 1.0).asDiagonal())).norm(), 1e-12);
}

TEST(gaussian_transport, gives_samples_the_moments_of_the_others_in_one_line_of_a_recipe) {
  for (unsigned seed = 0; seed < 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const matrix<double> from = toy::random_rows<double>(engine, 60, 5) * toy::random_rows<double>(engine, 5, 5);
    const matrix<double> to =
        (toy::random_rows<double>(engine, 80, 5) * toy::random_rows<double>(engine, 5, 5)).array() + 3.0;
    steer::moments a(5);
    a.update(from);
    steer::moments b(5);
    b.update(to);
    steer::recipe recipe;
    recipe.transform(steer::gaussian_transport(a, b, {.ridge = 0.0}), {.layers = {1}});
    steer::moments moved(5);
    for (Eigen::Index i = 0; i < from.rows(); ++i) {
      Eigen::VectorXd h = from.row(i).transpose();
      steer::detail::apply_edit(recipe.edits()[0].operation, 1, h.norm(), h);
      moved.update(h.transpose());
    }
    EXPECT_LE((moved.mean() - b.mean()).norm(), 1e-4);
    EXPECT_LE((moved.covariance() - b.covariance()).norm(), 1e-3 * b.covariance().norm());
  }
}

TEST(gaussian_transport, refuses_by_message) {
  std::mt19937_64 engine(1);
  steer::moments few(5);
  few.update(toy::random_rows<double>(engine, 3, 5));
  steer::moments many(5);
  many.update(toy::random_rows<double>(engine, 30, 5));
  expect_error<steer::numeric_error>([&] { steer::gaussian_transport(few, many, {.ridge = 0.0}); }, "the source's covariance is singular",
                                     "ridge above 0");
  EXPECT_NO_THROW(steer::gaussian_transport(few, many));
  expect_error<steer::shape_error>([&] { steer::gaussian_transport(few, steer::moments(4)); }, "width 5", "width 4");
  expect_error<steer::numeric_error>([&] { steer::gaussian_transport(many, steer::moments(5)); }, "has seen 0");
  expect_error<steer::argument_error>([&] { steer::gaussian_transport(many, many, {.ridge = -1.0}); }, "ridge is -1");
  steer::moments variances(5, steer::second_moments::variances);
  variances.update(toy::random_rows<double>(engine, 3, 5));
  expect_error<steer::argument_error>([&] { steer::gaussian_transport(variances, many); }, "only variances");
}

TEST(gaussian_transport, refuses_what_overflows) {
  std::mt19937_64 engine(1);
  const auto of = [&](double scale) {
    steer::moments out(3);
    out.update(scale * toy::random_rows<double>(engine, 20, 3));
    return out;
  };
  expect_error<steer::numeric_error>([&] { steer::gaussian_transport(of(1e100), of(1e100)); }, "gaussian_transport", "overflow");
  expect_error<steer::numeric_error>([&] { steer::gaussian_transport(of(1e-30), of(1e20)); }, "gaussian_transport",
                                     "holds NaN or infinity");
}

}  // namespace
