#include "transformer/linear.hpp"

#include <gtest/gtest.h>

#include "examples/transformer/tiny_model.hpp"

namespace {

using namespace transformer_test;

matrix random_matrix(std::mt19937_64& engine, extent rows, extent cols) {
  return matrix::NullaryExpr(rows, cols, [&] { return static_cast<float>(reference::uniform(engine) * 2.0 - 1.0); });
}

TEST(linear, multiply_equals_eigens_product) {
  std::mt19937_64 engine(7);
  for (const auto [t, m, n] : {std::array<extent, 3>{1, 1, 1}, {1, 4, 4}, {3, 5, 7}, {8, 17, 33}, {2, 64, 96}, {5, 3, 2}}) {
    const matrix x = random_matrix(engine, t, n);
    const matrix w = random_matrix(engine, m, n);
    matrix y(t, m);
    reference::multiply(x, w, y);
    EXPECT_LT((y - x * w.transpose()).cwiseAbs().maxCoeff(), 1e-5F * static_cast<float>(n)) << t << ' ' << m << ' ' << n;
  }
}

TEST(linear, a_rows_bits_do_not_depend_on_the_others) {
  std::mt19937_64 engine(8);
  const matrix x = random_matrix(engine, 9, 29);
  const matrix w = random_matrix(engine, 11, 29);
  matrix all(9, 11);
  reference::multiply(x, w, all);
  for (extent t = 0; t < x.rows(); ++t) {
    matrix one(1, 11);
    reference::multiply(x.row(t), w, one);
    EXPECT_EQ(one, matrix(all.row(t)));
  }
}

TEST(linear, multiply_takes_parts_of_matrices) {
  std::mt19937_64 engine(9);
  const matrix x = random_matrix(engine, 6, 20);
  const matrix w = random_matrix(engine, 9, 20);
  matrix y = matrix::Constant(8, 12, 5.0F);
  reference::multiply(x.block(1, 3, 4, 7), w.middleCols(2, 7), y.block(2, 1, 4, 9));
  EXPECT_LT((y.block(2, 1, 4, 9) - x.block(1, 3, 4, 7) * w.middleCols(2, 7).transpose()).cwiseAbs().maxCoeff(), 1e-5F);
  y.block(2, 1, 4, 9).setConstant(5.0F);
  EXPECT_EQ(y, matrix::Constant(8, 12, 5.0F));
}

TEST(linear, rms_norm_gives_rows_of_mean_square_one) {
  std::mt19937_64 engine(10);
  const matrix x = random_matrix(engine, 4, 23) * 100.0F;
  matrix y(4, 23);
  reference::rms_norm(x, reference::vector::Ones(23), 0.0F, y);
  for (extent t = 0; t < 4; ++t) {
    EXPECT_NEAR(y.row(t).squaredNorm() / 23.0F, 1.0F, 1e-5F);
    EXPECT_NEAR(y.row(t).dot(x.row(t)) / (y.row(t).norm() * x.row(t).norm()), 1.0F, 1e-5F);
  }
  const reference::vector gain = reference::vector::LinSpaced(23, -1.0F, 2.0F);
  matrix scaled(4, 23);
  reference::rms_norm(x, gain, 0.0F, scaled);
  EXPECT_LT((scaled - y * gain.asDiagonal()).cwiseAbs().maxCoeff(), 1e-5F);
  reference::rms_norm(matrix::Zero(4, 23), gain, 1e-5F, scaled);
  EXPECT_EQ(scaled, matrix::Zero(4, 23));
}

}  // namespace
