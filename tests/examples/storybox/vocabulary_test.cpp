#include "storybox/vocabulary.hpp"

#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "storybox/generator.hpp"

namespace {

std::string message_of(std::string_view text) {
  try {
    (void)storybox::to_tokens(text);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

TEST(storybox_vocabulary, words_are_distinct_and_find_inverts_word) {
  const std::set<std::string_view> distinct(storybox::words().begin(), storybox::words().end());
  EXPECT_EQ(distinct.size(), storybox::vocabulary_size);
  EXPECT_EQ(distinct.count(""), 0U);
  for (storybox::token t = 0; storybox::known(t); ++t) {
    EXPECT_EQ(storybox::find(storybox::word(t)), t);
  }
  EXPECT_EQ(storybox::find("dragon"), -1);
  EXPECT_EQ(storybox::word(storybox::bos), "<bos>");
  EXPECT_EQ(storybox::word(storybox::eos), "<eos>");
}

TEST(storybox_vocabulary, word_refuses_tokens_outside) {
  try {
    (void)storybox::word(78);
    FAIL() << "token 78 was accepted";
  } catch (const std::out_of_range& error) {
    EXPECT_STREQ(error.what(), "storybox: token 78 is outside the vocabulary of 78 words");
  }
  EXPECT_THROW((void)storybox::word(-1), std::out_of_range);
}

TEST(storybox_vocabulary, text_is_punctuated_and_capitalised) {
  storybox::sentence s;
  s.shown = {true, true, true, true};
  s.picked = {1, 1, 2, 1, 0, 0, 1, 4};
  const std::vector<storybox::token> tokens = storybox::tokens({{0, 0}, {s, {}}});
  EXPECT_EQ(
      storybox::to_text(tokens),
      "Once upon a time there was a little girl named Lily. It seems Lily said, \"I danced around the big red house "
      "with all my heart\". She cried over the ball.");
}

TEST(storybox_vocabulary, to_tokens_inverts_to_text) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    std::mt19937_64 engine{seed};
    std::vector<storybox::token> tokens = storybox::tokens(storybox::generate(engine));
    tokens.pop_back();
    EXPECT_EQ(storybox::to_tokens(storybox::to_text(tokens)), tokens) << "seed " << seed;
  }
}

TEST(storybox_vocabulary, to_tokens_inverts_to_text_for_word_salad) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    std::mt19937_64 engine{seed};
    std::vector<storybox::token> tokens{storybox::bos};
    for (int i = 0; i < 40; ++i) {
      tokens.push_back(2 + static_cast<storybox::token>(storybox::draw(engine, storybox::vocabulary_size - 2)));
    }
    EXPECT_EQ(storybox::to_tokens(storybox::to_text(tokens)), tokens) << "seed " << seed;
  }
}

TEST(storybox_vocabulary, to_tokens_names_the_unknown_word) {
  EXPECT_EQ(message_of("She cried over the Dragon."),
            "storybox: unknown word \"Dragon\" at character 19; the vocabulary has 78 words");
  EXPECT_EQ(message_of("<bos> once"), "storybox: unknown word \"<bos>\" at character 0; the vocabulary has 78 words");
  EXPECT_EQ(message_of(" \n"), "no error");
}

}  // namespace
