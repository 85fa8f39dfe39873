#include "steer/kernel/functions_for.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <span>
#include <vector>

#include "kernel/random_rows.hpp"

namespace kernel_test {

template <class Scalar>
std::vector<steer::kernel::functions<Scalar>> all_loops() {
  std::vector<steer::kernel::functions<Scalar>> out;
  for (const steer::instruction_set set : steer::instruction_sets()) {
    out.push_back(steer::kernel::functions_for<Scalar>(set));
  }
  return out;
}
template std::vector<steer::kernel::functions<float>> all_loops();
template std::vector<steer::kernel::functions<double>> all_loops();
template std::vector<steer::kernel::functions<Eigen::half>> all_loops();
template std::vector<steer::kernel::functions<Eigen::bfloat16>> all_loops();

}  // namespace kernel_test

namespace {

template <class Scalar>
class functions_for : public testing::Test {};
TYPED_TEST_SUITE(functions_for, kernel_test::scalars);

TYPED_TEST(functions_for, each_instruction_set_are_its_own) {
  const std::span<const steer::instruction_set> sets = steer::instruction_sets();
  const auto loops = kernel_test::all_loops<TypeParam>();
  ASSERT_EQ(loops.size(), sets.size());
  for (std::size_t i = 0; i < sets.size(); ++i) {
    EXPECT_EQ(loops[i].instructions, sets[i]);
  }
}

}  // namespace
