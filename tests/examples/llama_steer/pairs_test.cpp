#include "llama_steer/pairs.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "temporary_file.hpp"

namespace {

using llama_steer::read_json_pairs;
using llama_steer::read_lines;
using llama_steer::read_pairs;

TEST(LlamaSteerPairs, TextFilesGoLineByLine) {
  const temporary_file positive(".txt", "one\r\n\ntwo\n");
  const temporary_file negative(".txt", "eins\nzwei");
  const auto texts = read_pairs(positive.path(), negative.path());
  EXPECT_EQ(texts.positive, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(texts.negative, (std::vector<std::string>{"eins", "zwei"}));
  const temporary_file more(".txt", "a\nb\nc\n");
  expect_error<steer::format_error>([&] { read_pairs(more.path(), negative.path()); }, "has 3 lines", "has 2");
  const temporary_file blank(".txt", "\n\n");
  expect_error<steer::format_error>([&] { read_lines(blank.path()); }, "no lines");
  expect_error<steer::file_error>([] { read_lines("/nowhere/at/all"); }, "/nowhere/at/all", "cannot be read");
}

TEST(LlamaSteerPairs, JsonHoldsOneConceptOrSeveral) {
  const temporary_file one(".json", R"({"pairs": [["a", "b"], ["c", "d"]]})");
  EXPECT_EQ(read_json_pairs(one.path(), "any").negative, (std::vector<std::string>{"b", "d"}));
  const temporary_file two(".json", R"({"mood": {"pairs": [["happy", "sad"]]}, "age": {"pairs": [["old", "young"]]}})");
  EXPECT_EQ(read_json_pairs(two.path(), "age").positive, std::vector<std::string>{"old"});
  expect_error<steer::format_error>([&] { read_json_pairs(two.path(), "size"); }, "no concept \"size\"", "age, mood");
  const temporary_file three(".json", R"({"pairs": [["a", "b", "c"]]})");
  expect_error<steer::format_error>([&] { read_json_pairs(three.path(), ""); }, "pair of 3 texts");
  const temporary_file none(".json", R"({"pairs": []})");
  expect_error<steer::format_error>([&] { read_json_pairs(none.path(), ""); }, "has no pairs");
  const temporary_file broken(".json", "{");
  expect_error<steer::format_error>([&] { read_json_pairs(broken.path(), ""); }, "no JSON with pairs");
}

TEST(LlamaSteerPairs, TheShippedOnesBelongTogether) {
  const std::string folder = std::string(STEER_SOURCE_DIR) + "/examples/llama_steer/";
  EXPECT_GE(read_pairs(folder + "succinct.txt", folder + "verbose.txt").positive.size(), 40U);
  EXPECT_EQ(read_lines(folder + "prompts.txt").size(), 5U);
}

}  // namespace
