#include "steer_story/checkpoint_subject.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "examples/transformer/tiny_model.hpp"
#include "examples/transformer/tiny_tokenizer.hpp"
#include "temporary_file.hpp"

namespace {

using namespace steer_story;

TEST(word_lists, count_both_lists_or_all_words) {
  const auto two = detail::read_word_lists({{"positive_words", "\\b(happy|glad)\\b"}, {"negative_words", "\\bsad\\b"}}, "");
  EXPECT_EQ(two("Happy and glad, not sad. Unhappy.").shown, 2.0);
  EXPECT_EQ(two("Happy and glad, not sad. Unhappy.").of, 3.0);
  EXPECT_EQ(two.of_sentence("sad"), verdict::opposite);
  EXPECT_EQ(two.of_sentence("sad happy"), verdict::neutral);
  const auto one = detail::read_word_lists({{"positive_words", "said\\b"}, {"negative_words", "$^"}}, "");
  EXPECT_EQ(one("Tom said that it's red").shown, 1.0);
  EXPECT_EQ(one("Tom said that it's red").of, 5.0);
  EXPECT_EQ(one.of_sentence("it's red"), verdict::neutral);
}

TEST(word_lists, refuse_what_is_no_pattern) {
  expect_error<steer::format_error>(
      [] { detail::read_word_lists({{"positive_words", "(happy"}, {"negative_words", "$^"}}, "pairs.json: "); }, "pairs.json",
      "\"positive_words\" is \"(happy\"");
}

TEST(distinct_pairs, are_few_where_a_text_repeats_itself) {
  EXPECT_EQ(detail::distinct_pairs("the cat sat on the mat").shown, 5.0);
  EXPECT_EQ(detail::distinct_pairs("the cat. The cat. the cat").shown, 2.0);  // the cat, cat the
  EXPECT_EQ(detail::distinct_pairs("the cat. The cat. the cat").of, 5.0);
  EXPECT_EQ(detail::distinct_pairs("").of, 0.0);
}

reference::config tiny_sizes() {
  reference::config c = transformer_test::tiny_config();
  c.vocabulary = static_cast<int>(transformer_test::tiny_pieces().size());
  return c;
}

auto bytes_of(const reference::config& c) {
  return transformer_test::llama2c_bytes(c, transformer_test::random_weights(c, 1));
}

TEST(checkpoint_subject, refuses_files_that_do_not_fit_by_name) {
  const reference::config sizes = tiny_sizes();
  const temporary_file model(".bin", bytes_of(sizes));
  const temporary_file tokenizer(".bin", transformer_test::tokenizer_bytes(transformer_test::tiny_pieces()));
  const auto refuse = [&](const std::string& json, const auto&... parts) {
    const temporary_file pairs(".json", json);
    expect_error<steer::format_error>([&] { checkpoint_subject(model.path(), tokenizer.path(), pairs.path()); },
                                      pairs.path().string(), parts...);
  };
  refuse("{", "parse error");
  refuse("{}", "no concept");
  refuse(R"({"mood": {}})", "key 'pairs' not found");
  refuse(R"({"mood": {"pairs": [["a"]]}})", "out of range");
  refuse(R"({"mood": {"pairs": [["a", "b"]], "positive_words": "(", "negative_words": "b"}})", "\"mood\"", "regular expression");
  expect_error<steer::file_error>([&] { checkpoint_subject(model.path(), tokenizer.path(), "nowhere.json"); }, "nowhere.json");

  reference::config larger = sizes;
  larger.vocabulary += 1;
  const temporary_file other(".bin", bytes_of(larger));
  expect_error<steer::shape_error>([&] { checkpoint_subject(other.path(), tokenizer.path(), "nowhere.json"); }, "has 268 tokens",
                                   "expects 269");
}

TEST(checkpoint_subject, reads_out_what_its_judge_counts) {
  const temporary_file model(".bin", bytes_of(tiny_sizes()));
  const temporary_file tokenizer(".bin", transformer_test::tokenizer_bytes(transformer_test::tiny_pieces()));
  const temporary_file pairs(".json", R"({"b": {"pairs": [["a", "b"]], "positive_words": "a", "negative_words": "b"},
                                          "c": {"pairs": [["c", "d"]], "positive_words": "c", "negative_words": "$^"}})");
  const subject what = checkpoint_subject(model.path(), tokenizer.path(), pairs.path());
  ASSERT_EQ(what.concepts.size(), 2U);
  EXPECT_EQ(what.concepts[0].pairs.size(), 1U);

  std::vector<text> written;
  for (const char* words : {"a a b", "b c", "c d e", "a"}) {
    written.push_back({{}, what.encode(words)});
  }
  const auto found = what.read(written);
  ASSERT_EQ(found.size(), 2U);
  // Two texts won, one lost; two words of nine. Half a count more on either side.
  EXPECT_NEAR(steer::value_of(found[0]).value, std::log(2.5 / 1.5), 1e-12);
  EXPECT_NEAR(steer::value_of(found[1]).value, std::log(2.5 / 7.5), 1e-12);

  const auto one_sided = what.read(std::span(written).last(1));
  EXPECT_NEAR(steer::value_of(one_sided[0]).value, std::log(1.5 / 0.5), 1e-12) << "finite where one side never shows";

  const std::vector<text> broken{{{}, what.encode("e e")}};
  EXPECT_FALSE(std::isfinite(steer::value_of(what.read(broken)[0]).value)) << "and not where neither does";
}

}  // namespace
