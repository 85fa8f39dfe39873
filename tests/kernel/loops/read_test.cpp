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
class read : public testing::Test {};
TYPED_TEST_SUITE(read, kernel_test::scalars);

/// Additions that one product passes through, at most: those of its lane within a chunk (a whole row for a single
/// direction, in four turns), those of the lanes, those of the chunks.
template <class Real>
double depth(std::ptrdiff_t d, double lanes) {
  const auto width = static_cast<double>(d);
  return std::max(std::min(width, 1024.0) / lanes, width / (4.0 * lanes)) + lanes + 8.0 + width / 512.0;
}

TYPED_TEST(read, is_the_product_with_each_direction) {
  using Real = kernel::real_of<TypeParam>;
  for (int trial = 0; trial < 60; ++trial) {
    const std::uint64_t seed = 1000 + static_cast<std::uint64_t>(trial);
    std::mt19937_64 engine(seed);
    const auto d = trial == 0 ? 16384 : kernel_test::log_uniform(engine, 1, 16384);
    const auto k = trial == 1 ? 0 : kernel_test::log_uniform(engine, 1, 70);
    const auto n = std::min<std::ptrdiff_t>(kernel_test::log_uniform(engine, 1, 50), 1 + 2000000 / (d * (k + 1)));
    SCOPED_TRACE(testing::Message() << "seed " << seed << " d " << d << " k " << k << " n " << n);
    const scattered_rows<TypeParam> h(engine, n, d);
    const auto directions = kernel_test::random_directions<Real>(engine, k, d);
    const kernel::strips<Real> R(directions);
    std::vector<Real> c(static_cast<std::size_t>(n * k), Real{77});
    std::vector<Real> squares(static_cast<std::size_t>(n), Real{77});
    const scattered_rows<TypeParam> before(h);
    for (const auto& loops : kernel_test::all_loops<TypeParam>()) {
      SCOPED_TRACE(to_string(loops.instructions));
      loops.read(h.all(), R, c.data(), trial % 2 == 0 ? squares.data() : nullptr);
      EXPECT_TRUE(h.same_bits(before));
      for (std::ptrdiff_t i = 0; i < n; ++i) {
        const TypeParam* const row = h.rows[static_cast<std::size_t>(i)];
        for (std::ptrdiff_t j = 0; j <= k; ++j) {  // the last one is the square
          if (j == k && trial % 2 != 0) {
            EXPECT_EQ(squares[static_cast<std::size_t>(i)], Real{77});
            continue;
          }
          long double sum = 0.0L;
          long double size = 0.0L;
          for (std::ptrdiff_t column = 0; column < d; ++column) {
            const auto number = static_cast<double>(row[column]);
            const long double product = static_cast<long double>(j == k ? number : directions(j, column)) * number;
            sum += product;
            size += std::abs(product);
          }
          const Real got = j == k ? squares[static_cast<std::size_t>(i)] : c[static_cast<std::size_t>(i * k + j)];
          const double bound = 1.01 * depth<Real>(d, kernel_test::lanes_of<Real>(loops.instructions)) *
                               kernel_test::rounding<Real>() * static_cast<double>(size);
          EXPECT_LE(std::abs(static_cast<double>(static_cast<long double>(got) - sum)), bound)
              << "row " << i << " direction " << j;
        }
      }
    }
  }
}

TYPED_TEST(read, gives_a_row_the_same_bits_alone_and_in_company) {
  using Real = kernel::real_of<TypeParam>;
  for (const std::ptrdiff_t k : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 32, 33, 64}) {
    const auto seed = static_cast<std::uint64_t>(k);
    std::mt19937_64 engine(seed);
    const auto d = kernel_test::log_uniform(engine, 500, 2000);
    const std::ptrdiff_t n = 11;
    SCOPED_TRACE(testing::Message() << "seed " << seed << " d " << d << " k " << k);
    const scattered_rows<TypeParam> h(engine, n, d);
    const kernel::strips<Real> R(kernel_test::random_directions<Real>(engine, k, d));
    for (const auto& loops : kernel_test::all_loops<TypeParam>()) {
      SCOPED_TRACE(to_string(loops.instructions));
      std::vector<Real> together(static_cast<std::size_t>(n * k));
      std::vector<Real> squares(static_cast<std::size_t>(n));
      loops.read(h.all(), R, together.data(), squares.data());
      for (const std::size_t size : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{5}}) {
        std::vector<Real> apart(together.size());
        std::vector<Real> squares_apart(squares.size());
        for (std::size_t i = 0; i < h.rows.size(); i += size) {
          loops.read(h.some(i, std::min(size, h.rows.size() - i)), R, apart.data() + i * static_cast<std::size_t>(k),
                     squares_apart.data() + i);
        }
        EXPECT_TRUE(kernel_test::same_bits(together, apart)) << "in blocks of " << size;
        EXPECT_TRUE(kernel_test::same_bits(squares, squares_apart)) << "in blocks of " << size;
      }
    }
  }
}

TYPED_TEST(read, keeps_a_nan_in_its_row) {
  using Real = kernel::real_of<TypeParam>;
  for (const std::ptrdiff_t k : {1, 3, 8}) {
    std::mt19937_64 engine(7);
    const std::ptrdiff_t d = 1003;
    const std::ptrdiff_t n = 8;
    const scattered_rows<TypeParam> h(engine, n, d);
    const kernel::strips<Real> R(kernel_test::random_directions<Real>(engine, k, d));
    for (const auto& loops : kernel_test::all_loops<TypeParam>()) {
      SCOPED_TRACE(to_string(loops.instructions));
      std::vector<Real> clean(static_cast<std::size_t>(n * k));
      loops.read(h.all(), R, clean.data(), nullptr);
      for (const std::ptrdiff_t column : {std::ptrdiff_t{0}, std::ptrdiff_t{517}, d - 1}) {
        const scattered_rows<TypeParam> spoilt(h);
        spoilt.rows[4][column] = std::numeric_limits<TypeParam>::quiet_NaN();
        std::vector<Real> c(clean.size());
        std::vector<Real> squares(static_cast<std::size_t>(n));
        loops.read(spoilt.all(), R, c.data(), squares.data());
        for (std::size_t i = 0; i < c.size(); ++i) {
          const bool there = i / static_cast<std::size_t>(k) == 4;
          EXPECT_EQ(std::isnan(c[i]), there);
          EXPECT_TRUE(there || c[i] == clean[i]);
        }
        for (std::size_t i = 0; i < squares.size(); ++i) {
          EXPECT_EQ(std::isnan(squares[i]), i == 4);
        }
      }
    }
  }
}

TYPED_TEST(read, takes_rows_that_are_const_and_allocates_nothing) {
  using Real = kernel::real_of<TypeParam>;
  std::mt19937_64 engine(5);
  const scattered_rows<TypeParam> h(engine, 7, 700);
  const std::vector<const TypeParam*> rows(h.rows.begin(), h.rows.end());
  const kernel::strips<Real> R(kernel_test::random_directions<Real>(engine, 9, 700));
  for (const auto& loops : kernel_test::all_loops<TypeParam>()) {
    SCOPED_TRACE(to_string(loops.instructions));
    std::vector<Real> c(63);
    std::vector<Real> same(63);
    loops.read(h.all(), R, c.data(), nullptr);
    loops.read(std::span<const TypeParam* const>(rows), R, same.data(), nullptr);
    EXPECT_TRUE(kernel_test::same_bits(c, same));
    STEER_NEED_ALLOCATION_COUNTS();
    EXPECT_EQ(steer_test::allocations_of([&] { loops.read(h.all(), R, c.data(), nullptr); }), 0U);
  }
}

TEST(strips, hold_the_directions_interleaved_and_padded) {
  std::mt19937_64 engine(3);
  const auto directions = kernel_test::random_directions<float>(engine, 3, 37);
  const kernel::strips<float> R(directions);
  EXPECT_EQ(R.count(), 3);
  EXPECT_EQ(R.width(), 37);
  EXPECT_EQ(R.bytes(), 3U * 3U * 64U);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(R.data()) % 64, 0U);
  for (std::ptrdiff_t j = 0; j < 3; ++j) {
    for (std::ptrdiff_t column = 0; column < 48; ++column) {
      const double expected = column < 37 ? directions(j, column) : 0.0;
      EXPECT_EQ(static_cast<double>(R.data()[(column / 16 * 3 + j) * 16 + column % 16]), expected);
    }
  }
  EXPECT_EQ(kernel::strips<float>().data(), nullptr);
}

}  // namespace
