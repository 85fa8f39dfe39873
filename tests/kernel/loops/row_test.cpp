#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <span>
#include <type_traits>
#include <vector>

#include "kernel/random_rows.hpp"
#include "steer/kernel/functions.hpp"
#include "steer/kernel/norm.hpp"

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
    const kernel_test::scattered_rows<TypeParam> before(engine, 2, d);
    const auto u = kernel_test::random_directions<Real>(engine, 1, d);
    std::vector<Real> w(static_cast<std::size_t>(d) + 1);
    for (std::ptrdiff_t column = 0; column < d; ++column) {
      w[static_cast<std::size_t>(column) + 1] = static_cast<Real>(u(0, column));
    }
    const std::span<const Real> direction(w.data() + 1, static_cast<std::size_t>(d));
    for (const auto& loops : kernel_test::all_loops<TypeParam>()) {
      SCOPED_TRACE(to_string(loops.instructions));
      const kernel_test::scattered_rows<TypeParam> h(before);
      const std::span<TypeParam> first(h.rows[0], direction.size());
      const std::span<TypeParam> second(h.rows[1], direction.size());
      const Real product = loops.dot(direction, first);
      const Real norm = kernel::norm<TypeParam>(first, loops.squared_norm(first));
      loops.add(first, Real{1}, direction);
      loops.add(second, Real{-3}, direction);
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
      const double depth = static_cast<double>(d) / (4.0 * kernel_test::lanes_of<Real>(loops.instructions)) + 80.0;
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
}

TYPED_TEST(row, is_widened_and_comes_back_the_same) {
  using Real = kernel::real_of<TypeParam>;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    std::mt19937_64 engine(seed);
    const auto d = kernel_test::log_uniform(engine, 1, 300);
    SCOPED_TRACE(testing::Message() << "seed " << seed << " d " << d);
    const kernel_test::scattered_rows<TypeParam> before(engine, 1, d);
    for (const auto& loops : kernel_test::all_loops<TypeParam>()) {
      SCOPED_TRACE(to_string(loops.instructions));
      const kernel_test::scattered_rows<TypeParam> h(before);
      const std::span<TypeParam> one(h.rows[0], static_cast<std::size_t>(d));
      std::vector<Real> numbers(one.size());
      loops.widen(one, numbers.data());
      for (std::size_t i = 0; i < one.size(); ++i) {
        EXPECT_EQ(numbers[i], static_cast<Real>(one[i]));
      }
      EXPECT_EQ(loops.narrow(numbers.data(), one), 0U);
      EXPECT_TRUE(h.same_bits(before));
      const std::size_t changed = engine() % one.size();
      numbers[changed] = Real{3};
      EXPECT_EQ(loops.narrow(numbers.data(), one), 0U);
      for (std::size_t i = 0; i < one.size(); ++i) {
        EXPECT_EQ(static_cast<Real>(one[i]), numbers[i]) << "number " << i << ", " << changed << " was changed";
      }
    }
  }
}

TYPED_TEST(row, of_16_bits_is_clamped_where_it_would_be_infinite) {
  using Real = kernel::real_of<TypeParam>;
  if constexpr (!std::is_same_v<Real, TypeParam>) {
    const auto largest = static_cast<Real>(Eigen::NumTraits<TypeParam>::highest());
    for (const auto& loops : kernel_test::all_loops<TypeParam>()) {
      SCOPED_TRACE(to_string(loops.instructions));
      for (const std::size_t d : {1U, 7U, 64U, 77U}) {
        std::vector<TypeParam> h(d, TypeParam(1.0F));
        std::vector<Real> w(d, Real{1});
        w.back() = largest;
        h.back() = TypeParam(largest);
        EXPECT_EQ(loops.add(h, Real{1}, w), 1U);
        EXPECT_EQ(static_cast<Real>(h.back()), largest);
        EXPECT_EQ(loops.add(h, Real{-3}, w), 1U);
        EXPECT_EQ(static_cast<Real>(h.back()), -largest);
        EXPECT_EQ(static_cast<Real>(h.front()), d == 1 ? -largest : Real{-1});
        std::vector<Real> numbers(d, std::numeric_limits<Real>::infinity());
        EXPECT_EQ(loops.narrow(numbers.data(), h), d);
        EXPECT_EQ(h, std::vector<TypeParam>(d, TypeParam(largest)));
      }
    }
  }
}

TYPED_TEST(row, is_mapped_number_by_number) {
  using Real = kernel::real_of<TypeParam>;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    std::mt19937_64 engine(seed);
    const auto d = kernel_test::log_uniform(engine, 1, 300);
    SCOPED_TRACE(testing::Message() << "seed " << seed << " d " << d);
    const kernel_test::scattered_rows<TypeParam> before(engine, 1, d);
    const auto numbers = kernel_test::random_directions<Real>(engine, 2, d);
    std::vector<Real> a;
    std::vector<Real> b;
    for (std::ptrdiff_t i = 0; i < d; ++i) {
      a.push_back(static_cast<Real>(numbers(0, i)));
      b.push_back(static_cast<Real>(numbers(1, i)));
    }
    for (const auto& loops : kernel_test::all_loops<TypeParam>()) {
      SCOPED_TRACE(to_string(loops.instructions));
      for (const Real share : {Real{1}, Real{0.375}}) {
        const auto expect = [&](auto change, auto formula) {
          const kernel_test::scattered_rows<TypeParam> h(before);
          EXPECT_EQ(change(std::span<TypeParam>(h.rows[0], a.size())), 0U);
          for (std::size_t i = 0; i < a.size(); ++i) {
            const auto number = static_cast<double>(before.rows[0][i]);
            const double size =
                2.0 * (std::abs(number) + std::abs(static_cast<double>(a[i])) + std::abs(static_cast<double>(b[i])));
            EXPECT_NEAR(
                static_cast<double>(h.rows[0][i]),
                formula(number, static_cast<double>(share), static_cast<double>(a[i]), static_cast<double>(b[i])),
                3.0 * kernel_test::rounding<TypeParam>() * size);
          }
        };
        expect([&](auto h) { return loops.multiply(h, share); },
               [](double h, double s, double, double) { return s * h; });
        expect([&](auto h) { return loops.add_diagonal(h, share, a.data(), b.data()); },
               [](double h, double s, double p, double q) { return h + s * (p * h + q); });
        expect([&](auto h) { return loops.lerp(h, share, a.data(), b.data()); },
               [](double h, double s, double p, double q) { return h + s * (p + q - h); });
      }
    }
  }
}

TEST(combine, adds_columns_with_products_rounded_before) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    std::mt19937_64 engine(seed);
    const auto m = kernel_test::log_uniform(engine, 1, 70);
    const auto k = kernel_test::log_uniform(engine, 1, 70);
    SCOPED_TRACE(testing::Message() << "seed " << seed << " m " << m << " k " << k);
    const auto columns = kernel_test::random_directions<double>(engine, k, m);
    const auto factors = kernel_test::random_directions<double>(engine, 1, k);
    std::vector<double> expected(static_cast<std::size_t>(m), 0.25);
    for (std::ptrdiff_t i = 0; i < k; ++i) {
      for (std::ptrdiff_t j = 0; j < m; ++j) {
        expected[static_cast<std::size_t>(j)] += kernel::rounded_product(columns(i, j), factors(0, i));
      }
    }
    for (const auto& loops : kernel_test::all_loops<float>()) {
      std::vector<double> got(static_cast<std::size_t>(m), 0.25);
      loops.combine(got, columns.data(), {factors.data(), static_cast<std::size_t>(k)});
      EXPECT_TRUE(kernel_test::same_bits(got, expected)) << to_string(loops.instructions);
    }
  }
}

}  // namespace
