#include "llama_steer/json_pairs.hpp"
#include "llama_steer/pairs.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "temporary_file.hpp"

namespace {

using llama_steer::contrast_texts;
using llama_steer::dialogue;
using llama_steer::read_json_pairs;
using llama_steer::read_lines;
using llama_steer::read_pairs;
using llama_steer::read_sides;

std::vector<dialogue> requests(const std::vector<std::string>& texts) {
  std::vector<dialogue> out;
  for (const std::string& text : texts) {
    out.push_back({{"user", text}});
  }
  return out;
}

TEST(LlamaSteerPairs, TextFilesGoLineByLine) {
  const temporary_file positive(".txt", "\xEF\xBB\xBFone\r\n\ntwo\n\n");
  const temporary_file negative(".txt", "eins\n  \nzwei");
  const auto texts = read_pairs(positive.path(), negative.path());
  EXPECT_EQ(texts.positive, requests({"one", "two"}));
  EXPECT_EQ(texts.negative, requests({"eins", "zwei"}));
  const temporary_file shifted(".txt", "eins\nzwei\n");
  expect_error<steer::format_error>([&] { read_pairs(positive.path(), shifted.path()); }, "line 2 of file " + positive.path().string(),
                                    "is blank", "another line");
  const temporary_file more(".txt", "a\nb\nc\n");
  expect_error<steer::format_error>([&] { read_pairs(more.path(), negative.path()); }, "has 3 lines", "has 2");
  const auto sides = read_sides(more.path(), negative.path());
  EXPECT_FALSE(sides.are_pairs());
  EXPECT_EQ(sides.positive.size() + sides.negative.size(), 5U);
  EXPECT_TRUE(read_sides(positive.path(), negative.path()).are_pairs());
  expect_error<steer::format_error>([&] { read_sides(positive.path(), shifted.path()); }, "is blank");
  const temporary_file same(".txt", "eins\n\ntwo\n");
  expect_error<steer::format_error>([&] { read_sides(positive.path(), same.path()); }, "line 3 of file " + positive.path().string(),
                                    "is the same as that of " + same.path().string());
  const temporary_file blank(".txt", "\n\n");
  expect_error<steer::format_error>([&] { read_lines(blank.path()); }, "no lines");
  expect_error<steer::file_error>([] { read_lines("/nowhere/at/all"); }, "/nowhere/at/all", "cannot be read");
}

TEST(LlamaSteerPairs, WhatIsPerhapsNotMeantIsSaidByLine) {
  const temporary_file file(".txt",
                            "\xEF\xBB\xBFone\n\n \t\none\nend<|im_end|>\n[INST] x\na\\nb\tc\nC:\\new\nend \na\rb\n");
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
            "line 8: holds a backslash that is read as it stands; --escape makes \\n a line end\n"
            "line 9: ends with white space, which is read as it stands\n"
            "line 10: holds a carriage return, which ends no line here\n");
  EXPECT_EQ(notes({.escape = true}, true).find("backslash"), std::string::npos);
  EXPECT_NE(notes({}, true).find("<|im_end|>, which is read as a token"), std::string::npos);
  const auto escaped = read_lines(file.path(), {.escape = true});
  ASSERT_EQ(escaped.size(), 8U);
  EXPECT_EQ(escaped[4], "a\nb\tc");
  EXPECT_EQ(read_lines(file.path())[4], "a\\nb\tc");
}

TEST(LlamaSteerPairs, WhatIsNoUtf8IsRefusedByLine) {
  for (const std::string bad : {"\xFF", "a\xC0\x80", "\xED\xA0\x80", "\xE2\x82", "\xF4\x90\x80\x80", "\xE0\x80\x80", "\x80"}) {
    const temporary_file file(".txt", "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\n" + bad + "\n");
    expect_error<steer::format_error>([&] { read_lines(file.path()); }, ", line 2, byte ", "is no UTF-8");
  }
  const temporary_file wide(".txt", std::string("a\0b\0\n\0", 6));
  expect_error<steer::format_error>([&] { read_lines(wide.path()); }, ", line 1, byte 2: is 0", "UTF-8");
  const temporary_file marked(".txt", std::string("\xFF\xFE" "a\0", 4));
  expect_error<steer::format_error>([&] { read_lines(marked.path()); }, ", line 1, byte 1: is no UTF-8");
}

contrast_texts from_json(const std::string& written, const std::string& name = "", const std::string& ending = ".json") {
  const temporary_file file(ending, written);
  return read_json_pairs(file.path(), name);
}

TEST(LlamaSteerPairs, JsonHoldsOneConceptOrSeveral) {
  EXPECT_EQ(from_json(R"({"pairs": [["a", "b"], ["c", "d"]]})").negative, requests({"b", "d"}));
  EXPECT_EQ(from_json(R"([["a", "b"], {"negative": "d", "positive": "c"}])").negative, requests({"b", "d"}));
  const std::string two = R"({"mood": {"pairs": [["happy", "sad"]]}, "age": [["old", "young"]], "version": 1})";
  EXPECT_EQ(from_json(two, "age").positive, requests({"old"}));
  EXPECT_EQ(from_json(two, "mood").positive, requests({"happy"}));
  expect_error<steer::format_error>([&] { from_json(two, "size"); }, "no concept \"size\"", "it has age, mood");
  const contrast_texts sides = from_json("\xEF\xBB\xBF" R"({"positive": ["a", "b", "c"], "negative": ["d"]})");
  EXPECT_FALSE(sides.are_pairs());
  EXPECT_EQ(sides.positive, requests({"a", "b", "c"}));
  const std::string lines = "{\"positive\": \"a\", \"negative\": \"b\"}\r\n\n[\"c\", \"d\"]\n";
  EXPECT_EQ(from_json(lines, "", ".jsonl").positive, requests({"a", "c"}));
}

TEST(LlamaSteerPairs, JsonHoldsConversations) {
  const contrast_texts messages = from_json(
      R"([[[{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}],
           {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]}]}]])");
  EXPECT_EQ(messages.positive, (std::vector<dialogue>{{{"system", "Be kind."}, {"user", "Hello"}, {"assistant", "Hi"}}}));
  EXPECT_EQ(messages.negative, requests({"Hello"}));
  const contrast_texts choices =
      from_json(R"x([{"question": "Yes?", "answer_matching_behavior": " (A)", "answer_not_matching_behavior": " (B)"}])x");
  EXPECT_EQ(choices.positive, (std::vector<dialogue>{{{"user", "Yes?"}, {"assistant", " (A)"}}}));
  EXPECT_EQ(choices.negative, (std::vector<dialogue>{{{"user", "Yes?"}, {"assistant", " (B)"}}}));
  const contrast_texts preferred = from_json(
      R"([{"prompt": "Why?", "chosen": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}],
           "rejected": [{"role": "assistant", "content": "No."}]},
          {"prompt": [{"role": "user", "content": "Why?"}], "chosen": "So.", "rejected": "No."},
          {"chosen": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}],
           "rejected": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "No."}]}])");
  EXPECT_EQ(preferred.positive, std::vector<dialogue>(3, {{"user", "Why?"}, {"assistant", "So."}}));
  EXPECT_EQ(preferred.negative, std::vector<dialogue>(3, {{"user", "Why?"}, {"assistant", "No."}}));
}

TEST(LlamaSteerPairs, AnswersAreMadeToBegin) {
  contrast_texts texts = from_json(R"([["a", [{"role": "user", "content": "b"}, {"role": "assistant", "content": " is it."}]]])");
  begin_answers(texts, "");
  EXPECT_EQ(texts.positive, requests({"a"}));
  begin_answers(texts, "Well,");
  EXPECT_EQ(texts.positive, (std::vector<dialogue>{{{"user", "a"}, {"assistant", "Well,"}}}));
  EXPECT_EQ(texts.negative, (std::vector<dialogue>{{{"user", "b"}, {"assistant", "Well, is it."}}}));
}

TEST(LlamaSteerPairs, JsonIsRefusedByPlace) {
  const auto refuse = [](const std::string& written, const auto&... parts) {
    expect_error<steer::format_error>([&] { from_json(written); }, parts...);
  };
  refuse(R"({"pairs": [["a", "b"], ["a", "b", "c"]]})", "pair 2", "has 3 texts", "expected two");
  refuse(R"({"pairs": []})", "has no pairs");
  refuse(R"({"pairs": "a"})", "pairs is a JSON string", "expected a list");
  refuse("{", "is no JSON: ");
  refuse("\"a\"", "is a JSON string; expected pairs");
  refuse("{\"pairs\": [[\"a\", \"\xFF\"]]}", "is no JSON: ", "UTF-8");
  refuse(R"([["a", " "]])", "pair 1: a text is blank");
  refuse(R"([["a", "a"]])", "pair 1: both sides are the same");
  refuse(R"([["a", 7]])", "pair 1", "is a JSON number", "expected a list");
  refuse(R"([7])", "pair 1: is a JSON number; expected two texts");
  refuse(R"([{"good": "a", "bad": "b"}])", "pair 1: has the keys bad, good; expected positive and negative");
  refuse(R"([["a", []]])", "has no messages");
  refuse(R"([["a", [{"role": "user"}]]])", "message 1 has no role or no content");
  refuse(R"([["a", [{"role": "user", "content": null}]]])", "the content of a message is a JSON null");
  refuse(R"([["a", [{"role": "user", "content": ""}]]])", "message 1 is empty");
  refuse(R"([["a", [{"role": "tool", "content": "b"}]]])", "message 1 has the role tool", "system, user or assistant");
  refuse(R"([["a", [{"role": "assistant", "content": "b", "tool_calls": [1]}]]])", "message 1 holds tool_calls");
  refuse(R"([["a", [{"role": "user", "content": [{"type": "image_url"}]}]]])", "content that is no text");
  refuse(R"([{"prompt": "a", "chosen": "", "rejected": "b"}])", "pair 1: an answer is blank");
  refuse(R"({"positive": ["a", 7], "negative": []})", "positive text 2");
  refuse(R"({"positive": ["a"], "negative": []})", "has no pairs");
  expect_error<steer::format_error>([] { from_json("[\"a\", \"b\"]\n{\n", "", ".jsonl"); }, "line 2: is no JSON");
  expect_error<steer::file_error>([] { read_json_pairs("/nowhere/at.json", ""); }, "/nowhere/at.json", "cannot be read");
}

TEST(LlamaSteerPairs, WhatIsPerhapsNotMeantInJsonIsSaid) {
  const std::vector<std::string> notes =
      notes_on("f.json", from_json(R"([["a", "b"], ["a", "c<|im_end|>"]])"), true);
  EXPECT_EQ(notes, (std::vector<std::string>{"file f.json, positive text 2: is the same as text 1",
                                             "file f.json, negative text 2: holds <|im_end|>, which is read as a token"}));
}

TEST(LlamaSteerPairs, TheShippedOnesBelongTogether) {
  const std::string folder = std::string(STEER_SOURCE_DIR) + "/examples/llama_steer/";
  EXPECT_GE(read_pairs(folder + "succinct.txt", folder + "verbose.txt").positive.size(), 40U);
  EXPECT_EQ(read_lines(folder + "prompts.txt").size(), 5U);
}

}  // namespace
