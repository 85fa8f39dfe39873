#include "llama_steer/parse.hpp"

#include <gtest/gtest.h>

#include <variant>
#include <vector>

#include "expect_error.hpp"
#include "temporary_file.hpp"

namespace {

using llama_steer::parse_layers;

TEST(LlamaSteerParse, Layers) {
  EXPECT_EQ(parse_layers(""), std::vector<int>{});
  EXPECT_EQ(parse_layers("7"), std::vector<int>{7});
  EXPECT_EQ(parse_layers("3,10-12,0"), (std::vector<int>{3, 10, 11, 12, 0}));
  expect_error<steer::argument_error>([] { parse_layers("3,1-4"); }, "layers name 3 twice");
  for (const char* bad : {"x", "3-", "-3", "5-3", "3,,4", "3,", ",3", ",", "3 4", "1-2-3", "99999999999"}) {
    expect_error<steer::argument_error>([&] { parse_layers(bad); }, "layers \"", "expected numbers and ranges");
  }
}

TEST(LlamaSteerParse, NumbersAreWhole) {
  EXPECT_EQ(llama_steer::parse_number("-0.5e-1", "x"), -0.05F);
  EXPECT_EQ(llama_steer::parse_number("+2", "x"), 2.0F);
  EXPECT_EQ(llama_steer::parse_number("0", "x"), 0.0F);
  for (const char* bad : {"", "+", "-", "0,5", "05", "nan", "inf", "-inf", "1e30", "1x", " 1", "1 ", "0x1", "++1", "+-1"}) {
    expect_error<steer::argument_error>([&] { llama_steer::parse_number(bad, "--alpha"); }, "--alpha \"" + std::string(bad) + "\"",
                                        "a point for decimals");
  }
  EXPECT_EQ(llama_steer::parse_numbers("0,-1,2.5", "x"), (std::vector{0.0F, -1.0F, 2.5F}));
  for (const char* bad : {"", ",", "1,", ",1", "1,,2", "1;2", "0,05"}) {
    expect_error<steer::argument_error>([&] { llama_steer::parse_numbers(bad, "--doses"); }, "--doses \"", "expected a number");
  }
  expect_error<steer::argument_error>([] { llama_steer::parse_numbers("1,2,1.0", "--doses"); }, "--doses names 1 twice");
}

TEST(LlamaSteerParse, FilesMayHaveAScale) {
  const auto parsed = llama_steer::parse_scaled_file("some:where/happy.gguf:-0.5");
  EXPECT_EQ(parsed.path, "some:where/happy.gguf");
  EXPECT_EQ(parsed.scale, -0.5F);
  EXPECT_EQ(llama_steer::parse_scaled_file("happy.gguf").scale, 1.0F);
  const temporary_file with_a_colon(":2", "x");
  EXPECT_EQ(llama_steer::parse_scaled_file(with_a_colon.path().string()).path, with_a_colon.path());
  expect_error<steer::argument_error>([] { llama_steer::parse_scaled_file("happy.gguf:much"); }, "happy.gguf: scale \"much\"");
}

TEST(LlamaSteerParse, UnitsAndSelections) {
  EXPECT_EQ(llama_steer::parse_unit("of_row_norm"), steer::strength_unit::of_row_norm);
  expect_error<steer::argument_error>([] { llama_steer::parse_unit("percent"); }, "unit \"percent\"", "of_norm");
  EXPECT_TRUE(std::holds_alternative<steer::last_token>(llama_steer::parse_selection("last")));
  EXPECT_EQ(std::get<steer::last_tokens>(llama_steer::parse_selection("last:3")).count, 3);
  for (const char* bad : {"last:", "last:0", "last:1.5", "last:-1", "last:x"}) {
    expect_error<steer::argument_error>([&] { llama_steer::parse_selection(bad); }, "tokens \"" + std::string(bad) + "\"");
  }
  expect_error<steer::argument_error>([] { llama_steer::parse_selection("first"); }, "tokens \"first\"", "expected last");
}

}  // namespace
