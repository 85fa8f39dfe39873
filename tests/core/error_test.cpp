// Errors say for programs what their messages say for people.
#include "steer/core/error.hpp"

#include <gtest/gtest.h>

#include <string>
#include <type_traits>

#include "expect_error.hpp"
#include "steer/core/model_shape.hpp"

namespace {

using steer::detail::actual;
using steer::detail::at_layer;
using steer::detail::expected;
using steer::detail::text;
using steer::detail::thing;

TEST(error, has_the_parts_that_its_message_names) {
  const steer::shape_error error(
      text("plan: ", thing("\"happy\""), ", layer ", at_layer(3), ": has width ", actual(4), "; expected ", expected("at least ", 5)));
  EXPECT_STREQ(error.what(), "plan: \"happy\", layer 3: has width 4; expected at least 5");
  EXPECT_EQ(error.fields(), (steer::error_fields{"\"happy\"", 3, "at least 5", "4"}));
}

TEST(error, is_about_the_head_of_its_message_where_nothing_else_is_named) {
  EXPECT_EQ(steer::argument_error("gate: is shut").fields(), (steer::error_fields{.what = "gate"}));
  EXPECT_EQ(steer::argument_error(text("gate: has ", actual(2))).fields(), (steer::error_fields{.what = "gate", .actual = "2"}));
  EXPECT_EQ(steer::argument_error("nothing else").fields().what, "nothing else");
  EXPECT_EQ(steer::argument_error("happy, layer 3: is shut").fields(), (steer::error_fields{.what = "happy", .layer = 3}));
  EXPECT_EQ(steer::argument_error("happy, layer -1: is shut").fields().layer, -1);
  EXPECT_EQ(steer::argument_error("happy, layer 3x: is shut").fields(), (steer::error_fields{.what = "happy, layer 3x"}));
}

TEST(error, keeps_its_fields_when_it_is_copied_or_put_within_another) {
  static_assert(std::is_nothrow_copy_constructible_v<steer::error>);
  const steer::format_error first(text("file: has ", actual(2), " keys; expected ", expected(3)));
  const steer::format_error outer(steer::detail::within("archive ", first));
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
