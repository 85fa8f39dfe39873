#include "steer/extract/token_selection.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "expect_error.hpp"

namespace {

/// The positions that a selection takes of a text of five tokens with ids 10 to 14.
std::string taken(const steer::token_selection& selection, std::int32_t answer = steer::no_answer) {
  std::string out;
  for (std::int32_t i = 0; i < 5; ++i) {
    out += contains(selection, steer::row_info{.token = 10 + i, .position = i, .sequence = 0, .prompt_length = 5}, answer) ? "x" : ".";
  }
  return out;
}

TEST(token_selection, takes_what_it_says) {
  EXPECT_EQ(taken(steer::all_tokens{}), "xxxxx");
  EXPECT_EQ(taken(steer::last_token{}), "....x");
  EXPECT_EQ(taken(steer::token_span{1}), ".xxxx");
  EXPECT_EQ(taken(steer::token_span{1, 2}), ".xx..");
  EXPECT_EQ(taken(steer::token_from_end{0}), "....x");
  EXPECT_EQ(taken(steer::last_tokens{1}), "....x");
  EXPECT_EQ(taken(steer::last_tokens{3}), "..xxx");
  EXPECT_EQ(taken(steer::last_tokens{std::numeric_limits<std::int32_t>::max()}), "xxxxx");
  EXPECT_EQ(taken(steer::answer_tokens{}), ".....") << "there is no answer";
  EXPECT_EQ(taken(steer::answer_tokens{}, 3), "...xx");
  EXPECT_EQ(taken(steer::last_tokens{3}, 4), "..xxx") << "whatever the answer";
  EXPECT_EQ(taken(steer::token_from_end{2}), "..x..");
  EXPECT_EQ(taken(steer::token_from_end{9}), ".....");
  EXPECT_EQ(taken(steer::tokens_where{[](std::int32_t id) { return id % 2 == 0; }}), "x.x.x");
}

TEST(token_selection, says_what_it_takes) {
  EXPECT_EQ(to_string(steer::token_selection{steer::token_span{1}}), "positions from 1");
  EXPECT_EQ(to_string(steer::token_selection{steer::token_span{1, 4}}), "positions 1 to 4");
  EXPECT_EQ(to_string(steer::token_selection{steer::token_from_end{2}}), "token 2 from the end");
  EXPECT_EQ(to_string(steer::token_selection{steer::last_tokens{2}}), "last 2 tokens");
  EXPECT_EQ(to_string(steer::token_selection{steer::answer_tokens{}}), "answer tokens");
  EXPECT_EQ(to_string(steer::token_selection{steer::tokens_where{[](std::int32_t) { return true; }, "full stops"}}),
            "full stops");
}

TEST(token_selection, refuses_the_impossible) {
  expect_error<steer::argument_error>([] { check(steer::token_selection{steer::token_span{3, 2}}); }, "positions 3 to 2");
  expect_error<steer::argument_error>([] { check(steer::token_selection{steer::token_from_end{-1}}); }, "offset is -1");
  expect_error<steer::argument_error>([] { check(steer::token_selection{steer::last_tokens{0}}); }, "count is 0; expected 1");
  expect_error<steer::argument_error>([] { check(steer::token_selection{steer::tokens_where{}}); }, "predicate is empty");
}

}  // namespace
