#include "steer/kernel/instruction_set.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>

namespace {

using steer::instruction_set;

TEST(instruction_set, of_this_machine_are_in_order) {
  const std::span<const instruction_set> sets = steer::instruction_sets();
  ASSERT_FALSE(sets.empty());
  EXPECT_EQ(sets.back(), steer::best_instruction_set());
  EXPECT_TRUE(std::is_sorted(sets.begin(), sets.end()));
}

TEST(instruction_set, chosen_is_what_the_processor_says) {
#ifdef __x86_64__
  const auto sets = steer::instruction_sets();
  EXPECT_EQ(sets.front(), instruction_set::sse2);
  EXPECT_EQ(std::count(sets.begin(), sets.end(), instruction_set::avx2) == 1,
            __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
#else
  EXPECT_EQ(steer::instruction_sets().size(), 1U);
#endif
}

}  // namespace
