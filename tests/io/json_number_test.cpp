#include "steer/io/json_number.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "expect_error.hpp"

namespace {

using steer::detail::integer_in;
using steer::detail::real_number_of;
using steer::detail::real_numbers_of;
using steer::detail::real_or_infinity_of;
using steer::detail::whole_number_of;

nlohmann::json json(const std::string& text) { return nlohmann::json::parse(text); }

// Each is taken for some integer by the JSON library's own conversion, or is no number at all.
const char* const no_int[] = {"2.9",  "2.0",  "1e300",       "1e2",   "true",  "false",      "null",
                              "\"2\"", "[2]", "4294967298", "2147483648", "-2147483649", "18446744073709551615"};

TEST(json_number, takes_integers_as_they_are_written) {
  EXPECT_EQ(integer_in<int>(json("-7")), -7);
  EXPECT_EQ(integer_in<int>(json("2147483647")), std::numeric_limits<int>::max());
  EXPECT_EQ(integer_in<int>(json("-2147483648")), std::numeric_limits<int>::min());
  EXPECT_EQ(integer_in<std::uint64_t>(json("18446744073709551615")), std::numeric_limits<std::uint64_t>::max());
  EXPECT_FALSE(integer_in<std::uint64_t>(json("-1")));
  EXPECT_FALSE(integer_in<std::int64_t>(json("9223372036854775808")));
  EXPECT_FALSE(integer_in<std::uint64_t>(json("18446744073709551616"))) << "to the JSON library it is a float";
  for (const char* text : no_int) {
    EXPECT_FALSE(integer_in<int>(json(text))) << text;
  }
}

TEST(json_number, refuses_what_is_no_whole_number) {
  EXPECT_EQ(whole_number_of<int>(json("0"), "x", "y"), 0);
  for (const char* text : no_int) {
    expect_error<steer::format_error>([&] { whole_number_of<int>(json(text), "file a", "layer"); }, "file a has layer ",
                                      "; expected a whole number, not negative, at most 2147483647");
  }
  expect_fields<steer::format_error>(
      [&] { whole_number_of<int>(json("-7"), "file a", "layer"); },
      {.what = "file a", .expected = "a whole number, not negative, at most 2147483647", .actual = "-7"});
}

TEST(json_number, takes_reals_that_the_type_holds) {
  EXPECT_EQ(real_number_of<double>(json("0.1"), "x", "y"), 0.1);
  EXPECT_EQ(real_number_of<double>(json("-3"), "x", "y"), -3.0);
  EXPECT_EQ(real_number_of<double>(json("1e300"), "x", "y"), 1e300);
  EXPECT_EQ(real_number_of<float>(json("0.1"), "x", "y"), 0.1F);
  EXPECT_EQ(real_number_of<float>(json("3.4028234663852886e38"), "x", "y"), std::numeric_limits<float>::max());
  EXPECT_EQ(real_or_infinity_of<float>(json("null"), "x", "y"), std::numeric_limits<float>::infinity());
  EXPECT_EQ(real_or_infinity_of<float>(json("2.5"), "x", "y"), 2.5F);
}

TEST(json_number, refuses_what_is_no_finite_real) {
  for (const char* text : {"true", "false", "null", "\"1\"", "[1]", "{}"}) {
    expect_error<steer::format_error>([&] { real_number_of<double>(json(text), "file a", "step"); }, "file a has step ",
                                      "; expected a finite number of float64");
  }
  for (const char* text : {"true", "\"inf\"", "1e300", "-1e39"}) {
    expect_error<steer::format_error>([&] { real_or_infinity_of<float>(json(text), "file a", "cap"); }, "file a has cap ",
                                      "; expected a finite number of float32");
  }
  EXPECT_EQ(real_numbers_of(json("[1, 2.5]"), "x", "y"), (std::vector<double>{1.0, 2.5}));
  expect_error<steer::format_error>([] { real_numbers_of(json("[1, true]"), "file a", "norms"); },
                                    "file a has norms with number 1 true; expected a finite number");
  expect_error<steer::format_error>([] { real_numbers_of(json("{}"), "file a", "norms"); },
                                    "file a has norms of type object; expected an array of numbers");
}

}  // namespace
