#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "allocations.hpp"
#include "kernel/random_rows.hpp"
#include "steer/kernel/functions.hpp"
#include "steer/kernel/strips.hpp"

namespace {

namespace kernel = steer::kernel;
using kernel_test::scattered_rows;

template <class Scalar>
class write : public testing::Test {};
TYPED_TEST_SUITE(write, kernel_test::scalars);

template <class Real>
std::vector<Real> random_numbers(std::mt19937_64& engine, std::ptrdiff_t count) {
  std::normal_distribution<double> normal;
  std::vector<Real> out(static_cast<std::size_t>(count));
  for (Real& number : out) {
    number = static_cast<Real>(normal(engine));
  }
  return out;
}

TYPED_TEST(write, is_the_scaled_row_and_the_doses_of_each_direction) {
  using Real = kernel::real_of<TypeParam>;
  for (int trial = 0; trial < 60; ++trial) {
    const std::uint64_t seed = 2000 + static_cast<std::uint64_t>(trial);
    std::mt19937_64 engine(seed);
    const auto d = trial == 0 ? 16384 : kernel_test::log_uniform(engine, 1, 16384);
    const auto m = trial == 1 ? 0 : kernel_test::log_uniform(engine, 1, 70);
    const auto n = std::min<std::ptrdiff_t>(kernel_test::log_uniform(engine, 1, 50), 1 + 2000000 / (d * (m + 1)));
    const bool scaled = trial % 2 != 0;
    SCOPED_TRACE(testing::Message() << "seed " << seed << " d " << d << " m " << m << " n " << n);
    const scattered_rows<TypeParam> before(engine, n, d);
    const auto directions = kernel_test::random_directions<Real>(engine, m, d);
    const kernel::strips<Real> W(directions);
    const std::vector<Real> z = random_numbers<Real>(engine, n * m);
    const std::vector<Real> scale = random_numbers<Real>(engine, n);
    for (const auto& loops : kernel_test::all_loops<TypeParam>()) {
      SCOPED_TRACE(to_string(loops.instructions));
      const scattered_rows<TypeParam> h(before);
      loops.write(h.all(), W, z.data(), scaled ? scale.data() : nullptr);
      scattered_rows<TypeParam> rest(h);  // what lies between the rows is not touched
      for (std::ptrdiff_t i = 0; i < n; ++i) {
        const auto row = static_cast<std::size_t>(i);
        for (std::ptrdiff_t column = 0; column < d; ++column) {
          const long double factor = scaled ? static_cast<long double>(scale[row]) : 1.0L;
          long double sum = factor * static_cast<long double>(static_cast<double>(before.rows[row][column]));
          long double size = std::abs(sum);
          for (std::ptrdiff_t j = 0; j < m; ++j) {
            const long double term = static_cast<long double>(z[static_cast<std::size_t>(i * m + j)]) *
                                     static_cast<long double>(directions(j, column));
            sum += term;
            size += std::abs(term);
          }
          // Two roundings for each direction and one for the scale, then one to the row's own numbers (subnormal at
          // worst).
          const double computed =
              1.01 * static_cast<double>(2 * m + 1) * kernel_test::rounding<Real>() * static_cast<double>(size);
          const double stored =
              kernel_test::rounding<TypeParam>() * (std::abs(static_cast<double>(sum)) + computed) + 0x1p-25;
          EXPECT_LE(std::abs(static_cast<double>(h.rows[row][column]) - static_cast<double>(sum)), computed + stored)
              << "row " << i << " column " << column;
          rest.rows[row][column] = before.rows[row][column];
        }
      }
      EXPECT_TRUE(rest.same_bits(before));
    }
  }
}

TYPED_TEST(write, gives_a_row_the_same_bits_alone_and_in_company) {
  using Real = kernel::real_of<TypeParam>;
  for (const std::ptrdiff_t m : {1, 2, 3, 8, 17}) {
    for (const bool scaled : {false, true}) {
      std::mt19937_64 engine(static_cast<std::uint64_t>(m));
      const auto d = kernel_test::log_uniform(engine, 100, 2000);
      const std::ptrdiff_t n = 23;
      SCOPED_TRACE(testing::Message() << "seed " << m << " d " << d << " m " << m);
      const scattered_rows<TypeParam> h(engine, n, d);
      const kernel::strips<Real> W(kernel_test::random_directions<Real>(engine, m, d));
      const std::vector<Real> z = random_numbers<Real>(engine, n * m);
      const std::vector<Real> scale = random_numbers<Real>(engine, n);
      for (const auto& loops : kernel_test::all_loops<TypeParam>()) {
        SCOPED_TRACE(to_string(loops.instructions));
        const scattered_rows<TypeParam> together(h);
        loops.write(together.all(), W, z.data(), scaled ? scale.data() : nullptr);
        for (const std::size_t size :
             {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{4}, std::size_t{5}}) {
          const scattered_rows<TypeParam> apart(h);
          for (std::size_t i = 0; i < h.rows.size(); i += size) {
            loops.write(apart.some(i, std::min(size, h.rows.size() - i)), W, z.data() + i * static_cast<std::size_t>(m),
                        scaled ? scale.data() + i : nullptr);
          }
          EXPECT_TRUE(together.same_bits(apart)) << "in blocks of " << size;
        }
      }
    }
  }
}

TYPED_TEST(write, leaves_the_bits_of_rows_that_nothing_moves) {
  using Real = kernel::real_of<TypeParam>;
  for (const std::ptrdiff_t m : {1, 4}) {
    for (const bool scaled : {false, true}) {
      for (const auto& loops : kernel_test::all_loops<TypeParam>()) {
        SCOPED_TRACE(to_string(loops.instructions));
        std::mt19937_64 engine(11);
        const std::ptrdiff_t d = 333;
        const std::ptrdiff_t n = 12;
        const scattered_rows<TypeParam> h(engine, n, d);
        h.rows[2][5] = -TypeParam(0.0F);
        h.rows[3][7] = std::numeric_limits<TypeParam>::signaling_NaN();
        h.rows[4][9] = std::numeric_limits<TypeParam>::infinity();
        const kernel::strips<Real> W(kernel_test::random_directions<Real>(engine, m, d));
        const std::vector<Real> scale(static_cast<std::size_t>(n), Real{1});
        std::vector<Real> z(static_cast<std::size_t>(n * m), Real{0});
        const scattered_rows<TypeParam> before(h);
        loops.write(h.all(), W, z.data(), scaled ? scale.data() : nullptr);
        EXPECT_TRUE(h.same_bits(before));
        z[static_cast<std::size_t>(6 * m + m - 1)] = Real{2};
        loops.write(h.all(), W, z.data(), scaled ? scale.data() : nullptr);
        EXPECT_FALSE(h.same_bits(before));
        std::copy(before.rows[6], before.rows[6] + d, h.rows[6]);
        EXPECT_TRUE(h.same_bits(before)) << "only the seventh row moves";
      }
    }
  }
}

TYPED_TEST(write, keeps_a_nan_in_its_row) {
  using Real = kernel::real_of<TypeParam>;
  for (const std::ptrdiff_t m : {1, 6}) {
    for (const auto& loops : kernel_test::all_loops<TypeParam>()) {
      SCOPED_TRACE(to_string(loops.instructions));
      std::mt19937_64 engine(12);
      const std::ptrdiff_t d = 150;
      const std::ptrdiff_t n = 8;
      const scattered_rows<TypeParam> h(engine, n, d);
      const kernel::strips<Real> W(kernel_test::random_directions<Real>(engine, m, d));
      std::vector<Real> z = random_numbers<Real>(engine, n * m);
      const scattered_rows<TypeParam> clean(h);
      loops.write(clean.all(), W, z.data(), nullptr);
      z[static_cast<std::size_t>(3 * m)] = std::numeric_limits<Real>::quiet_NaN();
      loops.write(h.all(), W, z.data(), nullptr);
      for (std::ptrdiff_t column = 0; column < d; ++column) {
        EXPECT_TRUE(std::isnan(static_cast<double>(h.rows[3][column])));
      }
      std::copy(clean.rows[3], clean.rows[3] + d, h.rows[3]);
      EXPECT_TRUE(h.same_bits(clean));
    }
  }
}

TYPED_TEST(write, allocates_nothing) {
  STEER_NEED_ALLOCATION_COUNTS();
  using Real = kernel::real_of<TypeParam>;
  std::mt19937_64 engine(13);
  const scattered_rows<TypeParam> h(engine, 7, 700);
  const kernel::strips<Real> W(kernel_test::random_directions<Real>(engine, 9, 700));
  const std::vector<Real> z = random_numbers<Real>(engine, 63);
  for (const auto& loops : kernel_test::all_loops<TypeParam>()) {
    EXPECT_EQ(steer_test::allocations_of([&] { loops.write(h.all(), W, z.data(), nullptr); }), 0U);
  }
}

}  // namespace
