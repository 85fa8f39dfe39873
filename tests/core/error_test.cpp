// Errors say for programs what their messages say for people.
#include "steer/core/error.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include "expect_error.hpp"
#include "steer/core/model_shape.hpp"

namespace {

using steer::actual;
using steer::at_layer;
using steer::expected;
using steer::text;
using steer::thing;

template <class Part>
constexpr bool is_a_part = std::is_convertible_v<Part, steer::text_part>;

TEST(text, joins_strings_of_every_kind) {
  const std::string owned = "owned";
  char array[] = "array";
  EXPECT_EQ(text({"literal, ", owned, ", ", std::string_view("view, not this").substr(0, 4), ", ", array, ' ',
                  std::string("temporary")}),
            "literal, owned, view, array temporary");
  EXPECT_EQ(text({"", std::string(), std::string_view()}), "");
  EXPECT_EQ(text({}), "");
  EXPECT_EQ(text('c'), "c");
  EXPECT_EQ(text(std::string(3, '\0')), std::string(3, '\0'));
}

template <class Integer>
void expect_limits_of() {
  using limits = std::numeric_limits<Integer>;
  EXPECT_EQ(text(limits::max()), std::to_string(limits::max()));
  EXPECT_EQ(text({limits::min(), " to ", limits::max()}),
            std::to_string(limits::min()) + " to " + std::to_string(limits::max()));
}

TEST(text, writes_integers_of_every_type_in_full) {
  expect_limits_of<signed char>();
  expect_limits_of<unsigned char>();
  expect_limits_of<short>();
  expect_limits_of<unsigned short>();
  expect_limits_of<int>();
  expect_limits_of<unsigned>();
  expect_limits_of<long>();
  expect_limits_of<unsigned long>();
  expect_limits_of<long long>();
  expect_limits_of<unsigned long long>();
  expect_limits_of<std::ptrdiff_t>();
  expect_limits_of<std::size_t>();
  expect_limits_of<std::int64_t>();
  expect_limits_of<std::uint64_t>();
  EXPECT_EQ(text({std::numeric_limits<std::int64_t>::min(), " ", std::numeric_limits<std::size_t>::max()}),
            "-9223372036854775808 18446744073709551615");
}

TEST(text, writes_real_numbers_with_six_significant_digits) {
  EXPECT_EQ(text({0.1F, " ", 0.1, " ", 1.0 / 3.0, " ", 2.0F / 3.0F}), "0.1 0.1 0.333333 0.666667");
  EXPECT_EQ(text({1234567.0F, " ", 123456.0, " ", 1e-5, " ", -0.0, " ", 1e300}), "1.23457e+06 123456 1e-05 -0 1e+300");
  EXPECT_EQ(text({std::numeric_limits<float>::infinity(), " ", -std::numeric_limits<double>::infinity()}), "inf -inf");
  EXPECT_EQ(text(std::numeric_limits<double>::quiet_NaN()), "nan");
}

TEST(text, takes_nothing_that_has_no_one_reading) {
  static_assert(is_a_part<char> && is_a_part<std::size_t> && is_a_part<float>);
  static_assert(!is_a_part<bool> && !is_a_part<const void*> && !is_a_part<int*> && !is_a_part<long double>);
}

TEST(text, joins_the_fields_of_what_it_joins) {
  const auto said = text({"has width ", actual({2, " x ", 3.5F}), ", layer ", at_layer(1), "; expected ",
                          expected({"0 to ", std::size_t{9}})});
  EXPECT_EQ(said, "has width 2 x 3.5, layer 1; expected 0 to 9");
  EXPECT_EQ(said.fields, (steer::error_fields{"", 1, "0 to 9", "2 x 3.5"}));
  const auto all = text({thing({"file \"", 'f', "\""}), ", layer ", at_layer(4), ": ", said});
  EXPECT_EQ(all, "file \"f\", layer 4: has width 2 x 3.5, layer 1; expected 0 to 9");
  EXPECT_EQ(all.fields, (steer::error_fields{"file \"f\"", 1, "0 to 9", "2 x 3.5"}));
  EXPECT_EQ(text({all, text("; no fields")}).fields, all.fields);
}

TEST(error, has_the_parts_that_its_message_names) {
  const steer::shape_error error(text({"plan: ", thing("\"happy\""), ", layer ", at_layer(3), ": has width ", actual(4),
                                       "; expected ", expected({"at least ", 5})}));
  EXPECT_STREQ(error.what(), "plan: \"happy\", layer 3: has width 4; expected at least 5");
  EXPECT_EQ(error.fields(), (steer::error_fields{"\"happy\"", 3, "at least 5", "4"}));
}

TEST(error, is_about_the_head_of_its_message_where_nothing_else_is_named) {
  EXPECT_EQ(steer::argument_error("gate: is shut").fields(), (steer::error_fields{.what = "gate"}));
  EXPECT_EQ(steer::argument_error(text({"gate: has ", actual(2)})).fields(),
            (steer::error_fields{.what = "gate", .actual = "2"}));
  EXPECT_EQ(steer::argument_error("nothing else").fields().what, "nothing else");
  EXPECT_EQ(steer::argument_error("happy, layer 3: is shut").fields(), (steer::error_fields{.what = "happy", .layer = 3}));
  EXPECT_EQ(steer::argument_error("happy, layer -1: is shut").fields().layer, -1);
  EXPECT_EQ(steer::argument_error("happy, layer 3x: is shut").fields(), (steer::error_fields{.what = "happy, layer 3x"}));
}

TEST(error, keeps_its_fields_when_it_is_copied_or_put_within_another) {
  static_assert(std::is_nothrow_copy_constructible_v<steer::error>);
  const steer::format_error first(text({"file: has ", actual(2), " keys; expected ", expected(3)}));
  const steer::format_error outer(steer::within("archive ", first));
  EXPECT_STREQ(outer.what(), "archive file: has 2 keys; expected 3");
  EXPECT_EQ(steer::format_error(outer).fields(), first.fields());
}

TEST(error, of_a_model_that_lacks_a_layer_or_a_point_has_fields) {
  steer::model_shape shape;
  shape.layers = 2;
  shape.points = {steer::point::residual_out};
  expect_fields<steer::shape_error>([&] { shape.require(steer::site{2, steer::point::residual_out}, "happy"); },
                                    {"happy", 2, "layers 0 to 1", ""});
  expect_fields<steer::shape_error>([&] { shape.require(steer::site{1, steer::point::mlp_out}, "happy"); },
                                    {.what = "happy", .expected = "mlp_out"});
  expect_fields<steer::argument_error>([&] { shape.require(steer::row_fact::phase, "happy"); },
                                       {.what = "happy", .expected = "phase"});
}

}  // namespace
