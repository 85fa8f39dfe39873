#include "llama_steer/parse.hpp"

#include <gtest/gtest.h>

#include <variant>
#include <vector>

#include "expect_error.hpp"

namespace {

using llama_steer::parse_layers;

TEST(LlamaSteerParse, Layers) {
  EXPECT_EQ(parse_layers(""), std::vector<int>{});
  EXPECT_EQ(parse_layers("7"), std::vector<int>{7});
  EXPECT_EQ(parse_layers("3,10-12,0"), (std::vector<int>{3, 10, 11, 12, 0}));
  for (const char* bad : {"x", "3-", "-3", "5-3", "3,,4", "3 4", "1-2-3", "99999999999"}) {
    expect_error<steer::argument_error>([&] { parse_layers(bad); }, "layers \"", "expected numbers and ranges");
  }
}

TEST(LlamaSteerParse, UnitsAndSelections) {
  EXPECT_EQ(llama_steer::parse_unit("of_row_norm"), steer::strength_unit::of_row_norm);
  expect_error<steer::argument_error>([] { llama_steer::parse_unit("percent"); }, "unit \"percent\"", "of_norm");
  EXPECT_TRUE(std::holds_alternative<steer::last_token>(llama_steer::parse_selection("last")));
  expect_error<steer::argument_error>([] { llama_steer::parse_selection("first"); }, "tokens \"first\"", "expected last");
}

}  // namespace
