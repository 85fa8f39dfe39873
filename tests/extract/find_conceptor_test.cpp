#include "steer/extract/find_conceptor.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <cstddef>
#include <random>
#include <string>

#include "expect_error.hpp"
#include "steer/compose/apply_edit.hpp"
#include "steer/recipe/recipe.hpp"
#include "toy.hpp"

namespace {

using steer::matrix;

TEST(find_conceptor, is_the_formula_however_many_samples_there_are) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const Eigen::Index n = seed % 2 == 0 ? 5 : 30;
    const double aperture = 0.1 + static_cast<double>(seed);
    const matrix<double> x = toy::random_rows<double>(engine, n, 12);
    const Eigen::MatrixXd r = x.transpose() * x / static_cast<double>(n);
    const Eigen::MatrixXd softened = r + Eigen::MatrixXd::Identity(12, 12) / (aperture * aperture);
    const Eigen::MatrixXd expected = r * softened.inverse();
    EXPECT_LE((steer::find_conceptor(x, {.aperture = aperture}).matrix - expected).norm(), 1e-11);
    steer::moments seen(12);
    seen.update(x);
    const steer::conceptor streamed = steer::find_conceptor(seen, {.aperture = aperture});
    EXPECT_LE((streamed.matrix - expected).norm(), 1e-11);
    const Eigen::VectorXd values = streamed.matrix.selfadjointView<Eigen::Lower>().eigenvalues();
    EXPECT_GE(values.minCoeff(), -1e-12);
    EXPECT_LT(values.maxCoeff(), 1.0);
  }
}

TEST(find_conceptor, is_a_conceptor_wherever_it_is_not_refused) {
  std::size_t accepted = 0;
  for (unsigned seed = 0; seed < 120; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const auto n = static_cast<Eigen::Index>(1 + engine() % 30);
    const auto d = static_cast<Eigen::Index>(1 + engine() % 12);
    matrix<double> x = toy::random_rows<double>(engine, n, d);
    x *= std::pow(10.0, static_cast<double>(engine() % 9) - 4.0);
    const double aperture = std::pow(10.0, static_cast<double>(engine() % 11) - 3.0);
    steer::moments seen(d);
    seen.update(x);
    const auto accept = [&](const auto& find) {
      steer::conceptor c;
      try {
        c = find();
      } catch (const steer::numeric_error&) {
        return;  // an aperture too large for the samples
      }
      EXPECT_NO_THROW(check(c, "it")) << "aperture " << aperture << ", [" << n << ", " << d << "]";
      ++accepted;
    };
    accept([&] { return steer::find_conceptor(x, {.aperture = aperture}); });
    accept([&] { return steer::find_conceptor(seen, {.aperture = aperture}); });
  }
  EXPECT_GT(accepted, 100U);
}

TEST(find_conceptor, has_its_edit_in_one_line) {
  std::mt19937_64 engine(4);
  const matrix<double> x = toy::random_rows<double>(engine, 20, 6);
  const steer::conceptor c = steer::find_conceptor(x);
  steer::recipe recipe;
  recipe.transform(c.map(), {.share = 0.5F});
  Eigen::VectorXd h = x.row(0).transpose();
  steer::detail::apply_edit(recipe.edits()[0].operation, 0, h.norm(), h);
  const Eigen::VectorXd before = x.row(0).transpose();
  EXPECT_LE((h - 0.5 * (before + c.matrix * before)).norm(), 1e-6);
}

TEST(find_conceptor, refuses_by_message) {
  const matrix<double> x = matrix<double>::Ones(2, 3);
  expect_error<steer::argument_error>([&] { steer::find_conceptor(x, {.aperture = 0.0}); }, "aperture is 0");
  expect_error<steer::argument_error>([&] { steer::find_conceptor(x, {.aperture = 1e200}); }, "aperture is 1e+200", "its square");
  const matrix<double> flat = matrix<double>::Ones(4, 3);  // one dimension of three
  expect_error<steer::numeric_error>([&] { steer::find_conceptor(flat, {.aperture = 1e8}); }, "with aperture 1e+08",
                                     "reciprocal condition number");
  expect_error<steer::numeric_error>([&] { steer::find_conceptor(matrix<double>(0, 3)); }, "has 0 samples");
  expect_error<steer::numeric_error>([&] { steer::find_conceptor(steer::moments(3)); }, "has seen 0");
}

}  // namespace
