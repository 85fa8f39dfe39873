// allocations.hpp: how often code allocates, and how much. Eigen calls malloc, so malloc is counted, and operator new rests on it.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <new>
#include <optional>
#include <string>

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

/// Lets the n-th allocation of this thread from now on fail, 0 being the next; with nothing, none.
void fail_allocation(std::optional<std::size_t> n) noexcept;

/// Runs act() once with each of its allocations failing, on copies of `start`: whatever failed has left no trace, if what
/// `same` compares is as before, and act() then does what it does to a fresh copy.
template <class State, class Act, class Same>
void expect_all_or_nothing(const State& start, Act act, Same same) {
  State done = start;
  act(done);
  ASSERT_FALSE(same(start, done)) << "it does something";
  for (std::size_t n = 0;; ++n) {
    SCOPED_TRACE("allocation " + std::to_string(n));
    State state = start;
    fail_allocation(n);
    try {
      act(state);
      fail_allocation(std::nullopt);
      EXPECT_GT(n, 0U) << "nothing was allocated";
      return;
    } catch (const std::bad_alloc&) {
      fail_allocation(std::nullopt);
    }
    EXPECT_TRUE(same(state, start));
    act(state);
    EXPECT_TRUE(same(state, done));
  }
}

}  // namespace steer_test

/// Skips the test where allocations cannot be counted. A macro because GTEST_SKIP returns.
#define STEER_NEED_ALLOCATION_COUNTS()                                                                              \
  if (!::steer_test::allocations()) {                                                                               \
    GTEST_SKIP() << "allocations cannot be counted here (a sanitizer's malloc, or a C library that is not glibc)"; \
  }
