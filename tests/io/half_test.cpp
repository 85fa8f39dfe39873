#include "steer/io/half.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace {

TEST(half, every_f16_has_its_value_by_the_definition) {
  for (std::uint32_t bits = 0; bits < 0x10000U; ++bits) {
    const auto h = static_cast<std::uint16_t>(bits);
    const int exponent = (h >> 10) & 0x1F;
    const int fraction = h & 0x3FF;
    const double sign = (h & 0x8000) != 0 ? -1.0 : 1.0;
    const float got = steer::float_from_f16(h);
    if (exponent == 0x1F && fraction != 0) {
      EXPECT_TRUE(std::isnan(got)) << bits;
      continue;
    }
    const double expected = exponent == 0x1F ? sign * std::numeric_limits<double>::infinity()
                            : exponent == 0  ? sign * std::ldexp(fraction, -24)
                                             : sign * std::ldexp(1024 + fraction, exponent - 25);
    EXPECT_EQ(static_cast<double>(got), expected) << bits;
    EXPECT_EQ(std::signbit(got), sign < 0) << bits;
  }
}

TEST(half, bf16_is_the_upper_half_of_a_float) {
  EXPECT_EQ(steer::float_from_bf16(0x3F80), 1.0F);
  EXPECT_EQ(steer::float_from_bf16(0xC040), -3.0F);
  EXPECT_TRUE(std::isnan(steer::float_from_bf16(0x7FC0)));
}

}  // namespace
