#include "steer/kernel/norm.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "kernel/random_rows.hpp"

namespace {

namespace kernel = steer::kernel;

template <class Scalar>
class norm : public testing::Test {};
TYPED_TEST_SUITE(norm, kernel_test::scalars);

template <class Scalar>
kernel::real_of<Scalar> norm_of(std::span<const Scalar> h) {
  return kernel::norm<Scalar>(h, kernel_test::all_loops<Scalar>().back().squared_norm(h));
}

TYPED_TEST(norm, has_a_norm_where_its_squares_have_none) {
  using Real = kernel::real_of<TypeParam>;
  using limits = std::numeric_limits<TypeParam>;
  for (const TypeParam number : {limits::max(), limits::min(), limits::denorm_min()}) {
    const std::vector<TypeParam> h{TypeParam(0.0F), number, TypeParam(0.0F)};
    EXPECT_NEAR(static_cast<double>(norm_of<TypeParam>(h)) / static_cast<double>(static_cast<Real>(number)), 1.0, 1e-6);
  }
  const std::vector<TypeParam> zeros(5, TypeParam(0.0F));
  EXPECT_EQ(norm_of<TypeParam>(zeros), Real{0});
  EXPECT_EQ(norm_of<TypeParam>(std::span<const TypeParam>{}), Real{0});
  const std::vector<TypeParam> infinite{TypeParam(1.0F), limits::infinity()};
  EXPECT_EQ(norm_of<TypeParam>(infinite), std::numeric_limits<Real>::infinity());
  const std::vector<TypeParam> spoilt{TypeParam(1.0F), limits::infinity(), limits::quiet_NaN()};
  EXPECT_TRUE(std::isnan(norm_of<TypeParam>(spoilt)));
}

TEST(norm, of_a_row_with_nan_is_nan) {
  for (const std::array<float, 3>& row : {std::array{0.0F, NAN, 0.0F}, std::array{1.0F, NAN, 1e30F}}) {
    EXPECT_TRUE(std::isnan(norm_of<float>(row)));
  }
  EXPECT_EQ(norm_of<float>(std::array{0.0F, -0.0F}), 0.0F);
  EXPECT_TRUE(std::isinf(norm_of<float>(std::array{1.0F, -INFINITY})));
}

}  // namespace
