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
  const temporary_file positive(".txt", "\xEF\xBB\xBFone\r\n\ntwo\n\n");
  const temporary_file negative(".txt", "eins\n  \nzwei");
  const auto texts = read_pairs(positive.path(), negative.path());
  EXPECT_EQ(texts.positive, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(texts.negative, (std::vector<std::string>{"eins", "zwei"}));
  const temporary_file shifted(".txt", "eins\nzwei\n");
  expect_error<steer::format_error>([&] { read_pairs(positive.path(), shifted.path()); }, "line 2 of file " + positive.path().string(),
                                    "is blank", "another line");
  const temporary_file more(".txt", "a\nb\nc\n");
  expect_error<steer::format_error>([&] { read_pairs(more.path(), negative.path()); }, "has 3 lines", "has 2");
  const auto sides = llama_steer::read_sides(more.path(), negative.path());
  EXPECT_FALSE(sides.are_pairs());
  EXPECT_EQ(sides.positive.size() + sides.negative.size(), 5U);
  EXPECT_TRUE(llama_steer::read_sides(positive.path(), negative.path()).are_pairs());
  expect_error<steer::format_error>([&] { llama_steer::read_sides(positive.path(), shifted.path()); }, "is blank");
  const temporary_file blank(".txt", "\n\n");
  expect_error<steer::format_error>([&] { read_lines(blank.path()); }, "no lines");
  expect_error<steer::file_error>([] { read_lines("/nowhere/at/all"); }, "/nowhere/at/all", "cannot be read");
}

TEST(LlamaSteerPairs, WhatIsPerhapsNotMeantIsSaidByLine) {
  const temporary_file file(".txt",
                            "\xEF\xBB\xBFone\n\n \t\none\nend<|im_end|>\n[INST] x\na\\nb\tc\nC:\\new\n");
  const auto notes = [&](const llama_steer::line_options& how, bool tokens) {
    std::string all;
    for (const std::string& each : llama_steer::notes_on(file.path(), how, tokens)) {
      EXPECT_TRUE(each.starts_with("file " + file.path().string() + ", line ")) << each;
      all += each.substr(each.find("line ")) + "\n";
    }
    return all;
  };
  EXPECT_EQ(notes({}, false),
            "line 1: a byte-order mark is left out\n"
            "line 2: is empty and left out\n"
            "line 3: is blank and left out\n"
            "line 4: is the same as line 1\n"
            "line 5: holds <|im_end|>, which is read as plain text\n"
            "line 6: holds [INST], which is read as plain text\n"
            "line 7: holds a backslash that is read as it stands; --escape makes \\n a line end\n"
            "line 8: holds a backslash that is read as it stands; --escape makes \\n a line end\n");
  EXPECT_EQ(notes({.escape = true}, true).find("backslash"), std::string::npos);
  EXPECT_NE(notes({}, true).find("<|im_end|>, which is read as a token"), std::string::npos);
  const auto escaped = read_lines(file.path(), {.escape = true});
  ASSERT_EQ(escaped.size(), 6U);
  EXPECT_EQ(escaped[4], "a\nb\tc");
  EXPECT_EQ(read_lines(file.path())[4], "a\\nb\tc");
}

TEST(LlamaSteerPairs, WhatIsNoUtf8IsRefusedByLine) {
  for (const std::string bad : {"\xFF", "a\xC0\x80", "\xED\xA0\x80", "\xE2\x82", "\xF4\x90\x80\x80", "\xE0\x80\x80", "\x80"}) {
    const temporary_file file(".txt", "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\n" + bad + "\n");
    expect_error<steer::format_error>([&] { read_lines(file.path()); }, ", line 2, byte ", "is no UTF-8");
  }
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
