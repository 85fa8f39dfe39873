#include "steer/kernel/row.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <span>
#include <type_traits>
#include <vector>

#include "kernel/random_rows.hpp"

namespace {

namespace kernel = steer::kernel;

template <class Scalar>
class row : public testing::Test {};
TYPED_TEST_SUITE(row, kernel_test::scalars);

TYPED_TEST(row, adds_and_multiplies_as_the_plain_loops) {
  using Real = kernel::real_of<TypeParam>;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    std::mt19937_64 engine(seed);
    const auto d = kernel_test::log_uniform(engine, 1, 5000);
    SCOPED_TRACE(testing::Message() << "seed " << seed << " d " << d);
    const kernel_test::scattered_rows<TypeParam> h(engine, 2, d);
    const kernel_test::scattered_rows<TypeParam> before(h);
    const auto u = kernel_test::random_directions<Real>(engine, 1, d);
    std::vector<Real> w(static_cast<std::size_t>(d) + 1);
    for (std::ptrdiff_t column = 0; column < d; ++column) {
      w[static_cast<std::size_t>(column) + 1] = static_cast<Real>(u(0, column));
    }
    const std::span<const Real> direction(w.data() + 1, static_cast<std::size_t>(d));
    const std::span<TypeParam> first(h.rows[0], direction.size());
    const std::span<TypeParam> second(h.rows[1], direction.size());
    const Real product = kernel::dot<TypeParam>(direction, first);
    const Real norm = kernel::norm<TypeParam>(first);
    kernel::add(first, direction);
    kernel::add(second, Real{-3}, direction);
    long double sum = 0.0L;
    long double size = 0.0L;
    long double squares = 0.0L;
    for (std::ptrdiff_t column = 0; column < d; ++column) {
      const auto a = static_cast<double>(before.rows[0][column]);
      const auto b = static_cast<double>(before.rows[1][column]);
      sum += static_cast<long double>(a) * static_cast<long double>(u(0, column));
      size += std::abs(static_cast<long double>(a) * static_cast<long double>(u(0, column)));
      squares += static_cast<long double>(a) * static_cast<long double>(a);
      const double each = 3.0 * kernel_test::rounding<TypeParam>();
      EXPECT_NEAR(static_cast<double>(h.rows[0][column]), a + u(0, column),
                  each * (std::abs(a) + std::abs(u(0, column))));
      EXPECT_NEAR(static_cast<double>(h.rows[1][column]), b - 3.0 * u(0, column),
                  each * (std::abs(b) + std::abs(3.0 * u(0, column))));
    }
    const double depth = static_cast<double>(d) / static_cast<double>(4 * kernel::detail::lanes<Real>) + 80.0;
    const double bound = depth * kernel_test::rounding<Real>();
    EXPECT_NEAR(static_cast<double>(product), static_cast<double>(sum), bound * static_cast<double>(size));
    EXPECT_NEAR(static_cast<double>(norm), std::sqrt(static_cast<double>(squares)),
                bound * std::sqrt(static_cast<double>(squares)));
    kernel_test::scattered_rows<TypeParam> rest(h);
    std::copy(before.rows[0], before.rows[0] + d, rest.rows[0]);
    std::copy(before.rows[1], before.rows[1] + d, rest.rows[1]);
    EXPECT_TRUE(rest.same_bits(before)) << "what lies between the rows is not touched";
  }
}

TYPED_TEST(row, is_widened_and_comes_back_the_same) {
  using Real = kernel::real_of<TypeParam>;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    std::mt19937_64 engine(seed);
    const auto d = kernel_test::log_uniform(engine, 1, 300);
    SCOPED_TRACE(testing::Message() << "seed " << seed << " d " << d);
    const kernel_test::scattered_rows<TypeParam> h(engine, 1, d);
    const kernel_test::scattered_rows<TypeParam> before(h);
    const std::span<TypeParam> one(h.rows[0], static_cast<std::size_t>(d));
    std::vector<Real> numbers(one.size());
    kernel::widen_row<TypeParam>(one, numbers.data());
    for (std::size_t i = 0; i < one.size(); ++i) {
      EXPECT_EQ(numbers[i], static_cast<Real>(one[i]));
    }
    EXPECT_EQ(kernel::narrow_row<TypeParam>(numbers.data(), one), 0U);
    EXPECT_TRUE(h.same_bits(before));
    const std::size_t changed = engine() % one.size();
    numbers[changed] = Real{3};
    EXPECT_EQ(kernel::narrow_row<TypeParam>(numbers.data(), one), 0U);
    for (std::size_t i = 0; i < one.size(); ++i) {
      EXPECT_EQ(static_cast<Real>(one[i]), numbers[i]) << "number " << i << ", " << changed << " was changed";
    }
  }
}

TYPED_TEST(row, of_16_bits_is_clamped_where_it_would_be_infinite) {
  using Real = kernel::real_of<TypeParam>;
  if constexpr (!std::is_same_v<Real, TypeParam>) {
    const auto largest = static_cast<Real>(Eigen::NumTraits<TypeParam>::highest());
    for (const std::size_t d : {1U, 7U, 64U, 77U}) {
      std::vector<TypeParam> h(d, TypeParam(1.0F));
      std::vector<Real> w(d, Real{1});
      w.back() = largest;
      h.back() = TypeParam(largest);
      EXPECT_EQ(kernel::add(std::span<TypeParam>(h), std::span<const Real>(w)), 1U);
      EXPECT_EQ(static_cast<Real>(h.back()), largest);
      EXPECT_EQ(kernel::add(std::span<TypeParam>(h), Real{-3}, std::span<const Real>(w)), 1U);
      EXPECT_EQ(static_cast<Real>(h.back()), -largest);
      EXPECT_EQ(static_cast<Real>(h.front()), d == 1 ? -largest : Real{-1});
      std::vector<Real> numbers(d, std::numeric_limits<Real>::infinity());
      EXPECT_EQ(kernel::narrow_row<TypeParam>(numbers.data(), h), d);
      EXPECT_EQ(h, std::vector<TypeParam>(d, TypeParam(largest)));
    }
  }
}

TYPED_TEST(row, has_a_norm_where_its_squares_have_none) {
  using Real = kernel::real_of<TypeParam>;
  using limits = std::numeric_limits<TypeParam>;
  for (const TypeParam number : {limits::max(), limits::min(), limits::denorm_min()}) {
    const std::vector<TypeParam> h{TypeParam(0.0F), number, TypeParam(0.0F)};
    EXPECT_NEAR(static_cast<double>(kernel::norm<TypeParam>(h)) / static_cast<double>(static_cast<Real>(number)), 1.0,
                1e-6);
    EXPECT_EQ(kernel::norm<TypeParam>(h, kernel::squared_norm<TypeParam>(h)), kernel::norm<TypeParam>(h));
  }
  const std::vector<TypeParam> zeros(5, TypeParam(0.0F));
  EXPECT_EQ(kernel::norm<TypeParam>(zeros), Real{0});
  EXPECT_EQ(kernel::norm<TypeParam>(std::span<const TypeParam>{}), Real{0});
  const std::vector<TypeParam> infinite{TypeParam(1.0F), limits::infinity()};
  EXPECT_EQ(kernel::norm<TypeParam>(infinite), std::numeric_limits<Real>::infinity());
  const std::vector<TypeParam> spoilt{TypeParam(1.0F), limits::infinity(), limits::quiet_NaN()};
  EXPECT_TRUE(std::isnan(kernel::norm<TypeParam>(spoilt)));
}

}  // namespace
