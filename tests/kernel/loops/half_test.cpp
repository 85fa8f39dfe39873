#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <type_traits>
#include <vector>

#include "kernel/random_rows.hpp"
#include "steer/kernel/functions.hpp"

namespace {

constexpr std::size_t lanes = 16;  // of the widest vector

using steer::kernel::functions;

template <class Half>
struct format;
template <>
struct format<Eigen::half> {
  static constexpr int fraction_bits = 10;
  static constexpr int least_exponent = -14;
  static constexpr int bias = 15;
};
template <>
struct format<Eigen::bfloat16> {
  static constexpr int fraction_bits = 7;
  static constexpr int least_exponent = -126;
  static constexpr int bias = 127;
};

/// The value that bits stand for, by the definition of the format; not for NaN.
template <class Half>
double value_of(std::uint16_t bits) {
  using f = format<Half>;
  const int fraction = bits & ((1 << f::fraction_bits) - 1);
  const int exponent = (bits & 0x7FFF) >> f::fraction_bits;
  const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == 2 * f::bias + 1) {
    return sign * std::numeric_limits<double>::infinity();
  }
  return exponent == 0 ? sign * std::ldexp(fraction, f::least_exponent - f::fraction_bits)
                       : sign * std::ldexp(fraction + (1 << f::fraction_bits), exponent - f::bias - f::fraction_bits);
}

/// The nearest finite number of the format, ties to even, by rounding in its last place.
template <class Half>
double nearest(float number) {
  using f = format<Half>;
  const double value = number;
  const double largest = std::ldexp((2 << f::fraction_bits) - 1, f::bias - f::fraction_bits);
  if (value == 0.0) {
    return value;
  }
  if (std::isinf(value)) {
    return std::copysign(largest, value);
  }
  const int last_place = std::max(std::ilogb(value), f::least_exponent) - f::fraction_bits;
  const double rounded = std::ldexp(std::nearbyint(std::ldexp(value, -last_place)), last_place);
  const double limit = std::ldexp(1.0, f::bias + 1);
  return std::abs(rounded) >= limit ? std::copysign(largest, value) : rounded;
}

template <class Half>
std::vector<float> widened(const functions<Half>& loops, const std::vector<std::uint16_t>& bits) {
  std::vector<Half> from(bits.size() + 1);  // one on: at an odd address
  for (std::size_t i = 0; i < bits.size(); ++i) {
    from[i + 1] = Eigen::numext::bit_cast<Half>(bits[i]);
  }
  std::vector<float> out(bits.size());
  loops.widen(std::span<const Half>(from).subspan(1), out.data());
  return out;
}

template <class Half>
std::vector<std::uint16_t> narrowed(const functions<Half>& loops, const std::vector<float>& numbers,
                                    std::size_t* clamped = nullptr) {
  std::vector<Half> to(numbers.size() + 1);
  const std::size_t count = loops.narrow(numbers.data(), std::span<Half>(to).subspan(1));
  if (clamped != nullptr) {
    *clamped = count;
  }
  std::vector<std::uint16_t> out(numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    out[i] = Eigen::numext::bit_cast<std::uint16_t>(to[i + 1]);
  }
  return out;
}

template <class Half>
class half : public testing::Test {};
using halves = testing::Types<Eigen::half, Eigen::bfloat16>;
TYPED_TEST_SUITE(half, halves);

std::vector<std::uint16_t> every_pattern() {
  std::vector<std::uint16_t> out(65536);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<std::uint16_t>(i);
  }
  return out;
}

template <class Half>
bool is_nan(std::uint16_t bits) {
  return (bits & 0x7FFF) > ((2 * format<Half>::bias + 1) << format<Half>::fraction_bits);
}

TYPED_TEST(half, widens_every_pattern_exactly) {
  const auto patterns = every_pattern();
  for (const functions<TypeParam>& loops : kernel_test::all_loops<TypeParam>()) {
    SCOPED_TRACE(to_string(loops.instructions));
    const auto numbers = widened<TypeParam>(loops, patterns);
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      if (is_nan<TypeParam>(patterns[i])) {
        EXPECT_TRUE(std::isnan(numbers[i])) << i;
      } else {
        EXPECT_EQ(static_cast<double>(numbers[i]), value_of<TypeParam>(patterns[i])) << i;
      }
      EXPECT_EQ(std::signbit(numbers[i]), patterns[i] >= 0x8000) << i;
    }
  }
}

TYPED_TEST(half, comes_back_from_float_as_the_same_bits) {
  const auto patterns = every_pattern();
  for (const functions<TypeParam>& loops : kernel_test::all_loops<TypeParam>()) {
    SCOPED_TRACE(to_string(loops.instructions));
    const auto back = narrowed<TypeParam>(loops, widened<TypeParam>(loops, patterns));
    const int quiet = 1 << (format<TypeParam>::fraction_bits - 1);
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      if (is_nan<TypeParam>(patterns[i])) {
        EXPECT_EQ(back[i] | quiet, patterns[i] | quiet) << i;
      } else if (std::isinf(value_of<TypeParam>(patterns[i]))) {
        EXPECT_EQ(back[i], patterns[i] - 1) << "the largest finite number";
      } else {
        EXPECT_EQ(back[i], patterns[i]) << i;
      }
    }
  }
}

TYPED_TEST(half, rounds_to_nearest_even) {
  std::vector<float> numbers;
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {  // each number's middle to the next, and either side of it
    const auto here = static_cast<std::uint16_t>(bits);
    if (is_nan<TypeParam>(here) || !std::isfinite(value_of<TypeParam>(here))) {
      continue;
    }
    const double last_place =
        std::abs(value_of<TypeParam>(here)) -
        std::abs(value_of<TypeParam>(static_cast<std::uint16_t>((here & 0x7FFF) == 0 ? here + 1 : here - 1)));
    const auto middle = static_cast<float>(value_of<TypeParam>(here) * (1.0) +
                                           std::copysign(std::abs(last_place) / 2.0, value_of<TypeParam>(here)));
    numbers.push_back(middle);
    numbers.push_back(std::nextafter(middle, 0.0F));
    numbers.push_back(std::nextafter(middle, std::copysign(std::numeric_limits<float>::infinity(), middle)));
  }
  for (const float edge : {65504.0F, 65519.0F, 65519.996F, 65520.0F, 65536.0F, 1e-30F, 0x1p-25F, 0x1.000002p-25F,
                           0x1p-149F, std::numeric_limits<float>::max(), std::numeric_limits<float>::infinity()}) {
    numbers.push_back(edge);
    numbers.push_back(-edge);
  }
  const std::uint64_t seed = 21;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 engine(seed);
  for (int i = 0; i < 300000; ++i) {
    const auto number = std::bit_cast<float>(static_cast<std::uint32_t>(engine()));
    numbers.push_back(std::isnan(number) ? 0.0F : number);
    numbers.push_back(std::ldexp(static_cast<float>(static_cast<double>(engine() % 2000000) - 1e6) / 1e6F,
                                 static_cast<int>(engine() % 44) - 27));  // where binary16 is
  }
  numbers.resize((numbers.size() + lanes - 1) / lanes * lanes);
  for (const functions<TypeParam>& loops : kernel_test::all_loops<TypeParam>()) {
    SCOPED_TRACE(to_string(loops.instructions));
    std::size_t clamped = 0;
    const auto bits = narrowed<TypeParam>(loops, numbers, &clamped);
    std::size_t wrong = 0;
    std::size_t too_large = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      // Without a limit the format's last place would round them to more than its largest number.
      const double largest = std::abs(nearest<TypeParam>(std::numeric_limits<float>::infinity()));
      const double half_place = std::ldexp(1.0, std::ilogb(largest) - format<TypeParam>::fraction_bits - 1);
      too_large += std::abs(static_cast<double>(numbers[i])) >= largest + half_place ? 1 : 0;
      const bool right = !is_nan<TypeParam>(bits[i]) &&
                         value_of<TypeParam>(bits[i]) == nearest<TypeParam>(numbers[i]) &&
                         (bits[i] >= 0x8000) == std::signbit(numbers[i]);
      if (!right && ++wrong < 10) {
        ADD_FAILURE() << numbers[i] << " became " << value_of<TypeParam>(bits[i]) << ", not "
                      << nearest<TypeParam>(numbers[i]);
      }
    }
    EXPECT_EQ(wrong, 0U);
    EXPECT_EQ(clamped, too_large);
    EXPECT_GE(clamped, 4U);
  }
}

// Of a bfloat16's arithmetic: what is widened has no lower half, and no operation gives a NaN one.
TYPED_TEST(half, keeps_a_nan_a_nan) {
  const std::uint32_t step = std::is_same_v<TypeParam, Eigen::bfloat16> ? 0x10000U : 0xFFFU;
  std::vector<float> numbers;
  for (std::uint32_t payload = step; payload < 0x800000U; payload += step) {
    numbers.push_back(std::bit_cast<float>(0x7F800000U | payload));
    numbers.push_back(std::bit_cast<float>(0xFF800000U | payload));
  }
  numbers.resize(numbers.size() / lanes * lanes);
  for (const functions<TypeParam>& loops : kernel_test::all_loops<TypeParam>()) {
    SCOPED_TRACE(to_string(loops.instructions));
    std::size_t clamped = 0;
    for (const std::uint16_t bits : narrowed<TypeParam>(loops, numbers, &clamped)) {
      EXPECT_TRUE(is_nan<TypeParam>(bits));
    }
    EXPECT_EQ(clamped, 0U);
  }
}

TYPED_TEST(half, arithmetic_on_a_nan_gives_one_that_is_kept) {
  const auto patterns = every_pattern();
  for (const functions<TypeParam>& loops : kernel_test::all_loops<TypeParam>()) {
    SCOPED_TRACE(to_string(loops.instructions));
    for (const std::uint16_t pattern : patterns) {
      if (!is_nan<TypeParam>(pattern)) {
        continue;
      }
      for (const float dose : {0.0F, 1.25F, -std::numeric_limits<float>::max(), std::numeric_limits<float>::infinity(),
                               static_cast<float>(std::nan("1"))}) {
        std::vector<TypeParam> h(lanes, Eigen::numext::bit_cast<TypeParam>(pattern));
        const std::vector<float> direction(lanes, 0.5F);
        loops.add(h, dose, direction);
        for (const TypeParam number : h) {
          EXPECT_TRUE(is_nan<TypeParam>(Eigen::numext::bit_cast<std::uint16_t>(number))) << pattern << " " << dose;
        }
      }
    }
  }
}

}  // namespace
