#include "transformer/rope.hpp"

#include <gtest/gtest.h>

#include "examples/transformer/tiny_model.hpp"

namespace {

using namespace transformer_test;

TEST(rope, keeps_norms_and_makes_dot_products_relative) {
  const reference::config c{.head_width = 8};
  const reference::rope rope(c, 50);
  std::mt19937_64 engine(3);
  const auto draw = [&] { return static_cast<float>(reference::uniform(engine) - 0.5); };
  const Eigen::VectorXf q = Eigen::VectorXf::NullaryExpr(16, draw);  // two heads
  const Eigen::VectorXf k = Eigen::VectorXf::NullaryExpr(16, draw);
  const auto turned = [&](Eigen::VectorXf x, extent position) {
    rope.turn({x.data(), 16}, position);
    return x;
  };
  EXPECT_EQ(turned(q, 0), q);
  for (const extent shift : {1, 7, 30}) {
    EXPECT_NEAR(turned(q, shift).norm(), q.norm(), 1e-5F);
    EXPECT_NEAR(turned(q, 12 + shift).dot(turned(k, 5 + shift)), turned(q, 12).dot(turned(k, 5)), 1e-5F);
  }
  EXPECT_GT((turned(q, 3) - turned(q, 4)).norm(), 0.1F);
}

TEST(rope, turns_the_first_pair_by_one_radian_per_position) {
  const reference::rope rope({.head_width = 4}, 4);
  Eigen::VectorXf x(4);
  x << 1.0F, 1.0F, 0.0F, 0.0F;
  rope.turn({x.data(), 4}, 2);
  EXPECT_NEAR(x[0], std::cos(2.0F), 1e-6F);
  EXPECT_NEAR(x[2], std::sin(2.0F), 1e-6F);
  EXPECT_NEAR(x[1], std::cos(0.02F), 1e-6F);  // theta = 10000: a hundredth
  EXPECT_NEAR(x[3], std::sin(0.02F), 1e-6F);
}

}  // namespace
