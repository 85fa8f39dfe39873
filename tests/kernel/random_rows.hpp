// tests/kernel/random_rows.hpp: rows as hosts have them: at any address, any distance apart, some of a batch.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include "steer/core/matrix.hpp"
#include "steer/kernel/functions.hpp"

namespace kernel_test {

using scalars = testing::Types<float, double, Eigen::half, Eigen::bfloat16>;

/// The loops of every set of instructions that this machine can run, the best last. Compiled once, for each of `scalars`,
/// in functions_for_test.cpp: that takes longer than all the tests of them.
template <class Scalar>
std::vector<steer::kernel::functions<Scalar>> all_loops();

/// Numbers side by side in one of its vectors.
template <class Real>
double lanes_of(steer::instruction_set set) {
  const double bytes = set == steer::instruction_set::avx512 ? 64.0 : set == steer::instruction_set::avx2 ? 32.0 : 16.0;
  return bytes / static_cast<double>(sizeof(Real));
}

/// The number of a test's random shape; log-uniform, so that small ones are not rare.
inline std::ptrdiff_t log_uniform(std::mt19937_64& engine, std::ptrdiff_t low, std::ptrdiff_t high) {
  std::uniform_real_distribution<double> exponent(std::log(static_cast<double>(low)),
                                                  std::log(static_cast<double>(high) + 1.0));
  return std::clamp(static_cast<std::ptrdiff_t>(std::exp(exponent(engine))), low, high);
}

/// Half a unit in the last place of 1.
template <class Scalar>
double rounding() {
  if constexpr (std::is_same_v<Scalar, Eigen::half>) {
    return 0x1p-11;
  } else if constexpr (std::is_same_v<Scalar, Eigen::bfloat16>) {
    return 0x1p-8;
  } else {
    return static_cast<double>(std::numeric_limits<Scalar>::epsilon()) / 2.0;
  }
}

/// n rows of d numbers in a larger piece of memory, in no order.
template <class Scalar>
struct scattered_rows {
  std::vector<Scalar> memory;
  std::vector<Scalar*> rows;
  std::ptrdiff_t width;

  scattered_rows(std::mt19937_64& engine, std::ptrdiff_t n, std::ptrdiff_t d) : width(d) {
    const std::ptrdiff_t stride = d + static_cast<std::ptrdiff_t>(engine() % 20);
    const auto offset = static_cast<std::ptrdiff_t>(engine() % 16);
    std::normal_distribution<double> normal;
    memory.resize(static_cast<std::size_t>(offset + 2 * n * stride));
    for (Scalar& number : memory) {
      number = static_cast<Scalar>(normal(engine));
    }
    for (std::ptrdiff_t i = 0; i < 2 * n; ++i) {
      rows.push_back(memory.data() + offset + i * stride);
    }
    std::shuffle(rows.begin(), rows.end(), engine);
    rows.resize(static_cast<std::size_t>(n));
  }
  scattered_rows(const scattered_rows& other) : memory(other.memory), rows(other.rows), width(other.width) {
    for (Scalar*& row : rows) {
      row = memory.data() + (row - other.memory.data());
    }
  }
  scattered_rows& operator=(const scattered_rows&) = delete;

  [[nodiscard]] std::span<Scalar* const> all() const { return rows; }
  [[nodiscard]] std::span<Scalar* const> some(std::size_t first, std::size_t count) const {
    return all().subspan(first, count);
  }
  [[nodiscard]] bool same_bits(const scattered_rows& other) const {
    return std::memcmp(memory.data(), other.memory.data(), memory.size() * sizeof(Scalar)) == 0;
  }
};

template <class Real>
bool same_bits(const std::vector<Real>& a, const std::vector<Real>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Real)) == 0;
}

/// Directions that the loops hold exactly.
template <class Real>
steer::matrix<double> random_directions(std::mt19937_64& engine, std::ptrdiff_t k, std::ptrdiff_t d) {
  std::normal_distribution<double> normal;
  return steer::matrix<double>::NullaryExpr(
      k, d, [&] { return static_cast<double>(static_cast<Real>(normal(engine) / std::sqrt(static_cast<double>(d)))); });
}

}  // namespace kernel_test
