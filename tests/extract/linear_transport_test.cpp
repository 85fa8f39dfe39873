#include "steer/extract/linear_transport.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "expect_error.hpp"
#include "steer/compose/apply_edit.hpp"
#include "steer/recipe/recipe.hpp"
#include "toy.hpp"

namespace {

using steer::matrix;

/// The rows of each column in an order of its own.
matrix<double> shuffled(std::mt19937_64& engine, const matrix<double>& rows) {
  matrix<double> out = rows;
  for (Eigen::Index j = 0; j < rows.cols(); ++j) {
    std::vector<Eigen::Index> order(static_cast<std::size_t>(rows.rows()));
    std::iota(order.begin(), order.end(), Eigen::Index{0});
    std::shuffle(order.begin(), order.end(), engine);
    out.col(j) = rows.col(j)(order);
  }
  return out;
}

TEST(linear_transport, recovers_scale_and_shift_from_permuted_samples) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const matrix<double> a = toy::random_rows<double>(engine, 25, 6);
    const Eigen::VectorXd scale = toy::random_rows<double>(engine, 1, 6).row(0).cwiseAbs().transpose();
    const Eigen::VectorXd shift = toy::random_rows<double>(engine, 1, 6).row(0).transpose();
    const matrix<double> b = (a * scale.asDiagonal()).rowwise() + shift.transpose();
    const auto found = steer::detail::transport_of(a, shuffled(engine, b), "");
    EXPECT_LE((found.scale - scale).cwiseAbs().maxCoeff(), 1e-12);
    EXPECT_LE((found.shift - shift).cwiseAbs().maxCoeff(), 1e-12);
    const steer::diagonal_map map = steer::linear_transport(a, shuffled(engine, b));
    EXPECT_LE((map.scale.cast<double>() - scale).cwiseAbs().maxCoeff(), 1e-6);
    EXPECT_LE((map.shift.cast<double>() - shift).cwiseAbs().maxCoeff(), 1e-6);
  }
}

TEST(linear_transport, never_finds_a_negative_slope) {
  std::mt19937_64 engine(1);
  const matrix<double> a = toy::random_rows<double>(engine, 25, 6);
  EXPECT_LE((steer::linear_transport(a, -a).scale.array() * -1.0F).maxCoeff(), 0.0F);
  for (unsigned seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const matrix<double> b = toy::random_rows<double>(engine, 2 + seed % 40, 6);
    EXPECT_GE(steer::linear_transport(a, b).scale.minCoeff(), 0.0F);
  }
}

TEST(linear_transport, of_a_constant_target_has_slope_zero_not_a_rounded_negative_one) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const matrix<double> a = toy::random_rows<double>(engine, 7, 6);
    const Eigen::RowVectorXd constant = toy::random_rows<double>(engine, 1, 6).row(0);
    const auto found = steer::detail::transport_of(a, constant.replicate(7, 1), "");
    EXPECT_GE(found.scale.minCoeff(), 0.0);
    EXPECT_LE((found.shift - constant.transpose()).norm(), 1e-12);
  }
}

TEST(linear_transport, of_sides_of_different_sizes_meets_at_quantiles) {
  matrix<double> a(4, 1);
  a << 0, 1, 2, 3;
  matrix<double> b(2, 1);
  b << 10, 30;
  // b's quantiles at 1/8, 3/8, 5/8, 7/8: 10, 15, 25, 30
  const auto found = steer::detail::transport_of(a, b, "");
  EXPECT_NEAR(found.scale[0], (-1.5 * -10 + -0.5 * -5 + 0.5 * 5 + 1.5 * 10) / 5.0, 1e-12);
  EXPECT_NEAR(found.shift[0], 20.0 - found.scale[0] * 1.5, 1e-12);
  std::mt19937_64 engine(8);
  const matrix<double> many = toy::random_rows<double>(engine, 4000, 1);
  const matrix<double> few = 3.0 * toy::random_rows<double>(engine, 1500, 1);
  EXPECT_NEAR(steer::detail::transport_of(many, few, "").scale[0], 3.0, 0.15);
}

TEST(linear_transport, has_its_edit_in_one_line) {
  std::mt19937_64 engine(2);
  const matrix<float> a = toy::random_rows<float>(engine, 9, 4);
  steer::recipe recipe;
  recipe.transform(steer::linear_transport(a, (2.0F * a).rowwise() + Eigen::RowVector4f::Ones()), {.layers = {3}});
  Eigen::VectorXd h = a.row(0).cast<double>().transpose();
  steer::detail::apply_edit(recipe.edits()[0].operation, 3, h.norm(), h);
  EXPECT_LE((h - (2.0F * a.row(0).transpose()).cast<double>() - Eigen::Vector4d::Ones()).norm(), 1e-5);
}

TEST(linear_transport, refuses_by_message) {
  matrix<double> a = matrix<double>::Random(3, 2);
  a.col(1).setConstant(0.25);
  expect_error<steer::numeric_error>([&] { steer::linear_transport(a, a); }, "coordinate 1 is 0.25");
  expect_error<steer::numeric_error>([&] { steer::linear_transport(a.topRows(1), a); }, "source: has 1 sample;",
                                     "at least 2");
  expect_error<steer::shape_error>([&] { steer::linear_transport(a, a.leftCols(1)); }, "width 2", "width 1");
  a(2, 0) = std::nan("");
  expect_error<steer::numeric_error>([&] { steer::linear_transport(matrix<double>::Random(3, 2), a); },
                                     "target: sample 2 holds NaN");
}

TEST(linear_transport, refuses_what_overflows) {
  const steer::matrix<double> one{{1.0, 1.0}, {2.0, 3.0}};
  const steer::matrix<double> huge{{1.0, 1e200}, {2.0, 3e200}};
  const steer::matrix<double> tiny{{1.0, 1e-200}, {2.0, 3e-200}};
  expect_error<steer::numeric_error>([&] { steer::linear_transport(huge, one); }, "squares of coordinate 1 overflow or vanish");
  expect_error<steer::numeric_error>([&] { steer::linear_transport(tiny, one); }, "squares of coordinate 1 overflow or vanish");
  expect_error<steer::numeric_error>([&] { steer::linear_transport(one, huge); }, "holds NaN or infinity");
}

}  // namespace
