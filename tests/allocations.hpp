// allocations.hpp: how often code allocates, and how much. Eigen calls malloc, so malloc is counted, and operator new rests on it.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <optional>

namespace steer_test {

/// Allocations of this thread since it began; nothing where they cannot be counted: under sanitizers, which bring a malloc
/// of their own, and without glibc.
std::optional<std::size_t> allocations() noexcept;
/// The bytes that they asked for.
std::optional<std::size_t> allocated_bytes() noexcept;

/// Allocations of this thread while act() runs.
template <class Act>
std::size_t allocations_of(Act&& act) {
  const std::size_t before = *allocations();
  act();
  return *allocations() - before;
}
template <class Act>
std::size_t allocated_bytes_of(Act&& act) {
  const std::size_t before = *allocated_bytes();
  act();
  return *allocated_bytes() - before;
}

}  // namespace steer_test

/// Skips the test where allocations cannot be counted. A macro because GTEST_SKIP returns.
#define STEER_NEED_ALLOCATION_COUNTS()                                                                              \
  if (!::steer_test::allocations()) {                                                                               \
    GTEST_SKIP() << "allocations cannot be counted here (a sanitizer's malloc, or a C library that is not glibc)"; \
  }
