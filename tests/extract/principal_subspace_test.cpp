#include "steer/extract/principal_subspace.hpp"

#include <gtest/gtest.h>

#include <Eigen/SVD>
#include <cmath>
#include <random>
#include <vector>

#include "expect_error.hpp"
#include "steer/compose/apply_edit.hpp"
#include "steer/recipe/recipe.hpp"
#include "toy.hpp"

namespace {

using steer::matrix;

Eigen::MatrixXd right_singular_vectors(const Eigen::MatrixXd& samples) {
  return Eigen::JacobiSVD<Eigen::MatrixXd>(samples, Eigen::ComputeThinU | Eigen::ComputeThinV).matrixV();
}

TEST(principal_subspace, spans_what_the_first_singular_vectors_span) {
  for (unsigned seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const Eigen::Index n = seed % 2 == 0 ? 9 : 40;
    const Eigen::Index k = 1 + seed % 4;
    const matrix<double> x = toy::random_rows<double>(engine, n, 16);
    const steer::subspace found = steer::principal_subspace(x, k);
    const Eigen::MatrixXd v = right_singular_vectors(x).leftCols(k);
    EXPECT_LE((found.basis * found.basis.transpose() - Eigen::MatrixXd::Identity(k, k)).norm(), 1e-12);
    for (Eigen::Index i = 0; i < k; ++i) {
      EXPECT_NEAR(std::abs(found.basis.row(i).dot(v.col(i))), 1.0, 1e-12);
      EXPECT_NEAR(found.explained[i], (x * v.col(i)).squaredNorm() / x.squaredNorm(), 1e-12);
      EXPECT_GT(x.colwise().mean().dot(found.basis.row(i)), 0.0);
    }
  }
}

TEST(principal_subspace, is_removed_or_set_in_one_line_of_a_recipe) {
  std::mt19937_64 engine(5);
  const matrix<double> x = toy::random_rows<double>(engine, 10, 6);
  const steer::subspace found = steer::principal_subspace(x, 2);
  steer::recipe recipe;
  recipe.transform(found.removal(), {.layers = {0}});
  const std::vector<steer::direction> axes = found.directions();
  recipe.set({{.directions = {{0, axes[0]}}}, {.directions = {{0, axes[1]}}}}, {0.0F, 0.0F});
  for (const steer::edit& e : recipe.edits()) {
    Eigen::VectorXd h = x.row(0).transpose();
    steer::detail::apply_edit(e.operation, 0, h.norm(), h);
    EXPECT_LE((found.basis * h).norm(), 1e-6);
    EXPECT_LE((h - (x.row(0).transpose() - found.basis.transpose() * (found.basis * x.row(0).transpose()))).norm(),
              1e-5);
  }
}

TEST(principal_subspace, refuses_by_message) {
  const matrix<double> x = matrix<double>::Ones(4, 6);
  expect_error<steer::numeric_error>([&] { steer::principal_subspace(x, 2); }, "span 1 dimensions; asked for 2");
  expect_error<steer::numeric_error>([&] { steer::principal_subspace(x, 5); }, "has 4 samples", "at least 5");
  expect_error<steer::argument_error>([&] { steer::principal_subspace(x, 0); }, "asked for 0 dimensions");
}

}  // namespace
