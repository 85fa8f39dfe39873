#include "storybox/oracle.hpp"

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "storybox/generator.hpp"

namespace {

using storybox::attribute;

const std::string opener = "Once upon a time there was a little girl named Lily. ";

TEST(storybox_oracle, reads_every_generated_story_back) {
  for (unsigned seed = 0; seed < 5000; ++seed) {
    std::mt19937_64 engine{seed};
    const storybox::story story = storybox::generate(engine);
    const storybox::reading reading = storybox::read(storybox::tokens(story));
    ASSERT_EQ(reading.as_story(), story) << "seed " << seed;
    ASSERT_EQ(reading.grammatical_count(), story.sentences.size()) << "seed " << seed;
    ASSERT_EQ(reading.unfinished, 0U) << "seed " << seed;
  }
}

TEST(storybox_oracle, reads_rendered_text) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    std::mt19937_64 engine{seed};
    const storybox::story story = storybox::generate(engine);
    const storybox::reading reading = storybox::read(storybox::to_text(storybox::tokens(story)));
    ASSERT_EQ(reading.hero, story.hero) << "seed " << seed;
    ASSERT_EQ(reading.sentences.size(), story.sentences.size()) << "seed " << seed;
    for (std::size_t i = 0; i < story.sentences.size(); ++i) {
      EXPECT_TRUE(reading.sentences[i].grammatical()) << "seed " << seed;
      EXPECT_EQ(reading.sentences[i].content, story.sentences[i]) << "seed " << seed;
    }
    EXPECT_FALSE(reading.as_story().has_value()) << "text has no end of story";
  }
}

TEST(storybox_oracle, counts_attributes) {
  const storybox::reading r =
      storybox::read(opener +
                     "She smiled at the ball. Maybe Lily said, \"I sobbed behind the big red tree once more\". "
                     "Lily danced around the barn.");
  ASSERT_EQ(r.grammatical_count(), 3U);
  EXPECT_EQ(r.count(attribute::mood), 2U);
  EXPECT_EQ(r.count(attribute::verbose), 1U);
  EXPECT_EQ(r.count(attribute::dialogue), 1U);
  EXPECT_EQ(r.count(attribute::hedged), 1U);
  EXPECT_DOUBLE_EQ(r.rate(attribute::mood), 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(r.grammaticality(), 1.0);
}

TEST(storybox_oracle, disagreement_is_not_grammatical) {
  for (const std::string sentence :
       {"He smiled at the ball.", "Tom smiled at the ball.", "Mia smiled at the ball.",
        "He said, \"I smiled at the ball\".", "Maybe Mia said, \"I smiled at the ball\".",
        "She smiled at the big red ball with all his heart.", "She smiled at the big red ball with all my heart.",
        "She said, \"I smiled at the big red ball with all her heart\"."}) {
    const storybox::reading r = storybox::read(opener + sentence + " She sobbed behind the tree.");
    ASSERT_EQ(r.sentences.size(), 2U) << sentence;
    EXPECT_TRUE(r.sentences[0].well_formed) << sentence;
    EXPECT_FALSE(r.sentences[0].agrees) << sentence;
    EXPECT_FALSE(r.sentences[0].grammatical()) << sentence;
    EXPECT_TRUE(r.sentences[1].grammatical()) << sentence;
    EXPECT_DOUBLE_EQ(r.grammaticality(), 0.5) << sentence;
  }
}

TEST(storybox_oracle, damaged_sentences_are_not_well_formed) {
  for (const std::string sentence : {".",
                                     "She.",
                                     "She smiled.",
                                     "She smiled at.",
                                     "She smiled at the.",
                                     "She smiled at ball.",
                                     "She smiled at the tree.",
                                     "She smiled over the ball.",
                                     "She cried at the ball.",
                                     "She smiled the ball.",
                                     "She danced around the ball.",
                                     "She danced behind the tree.",
                                     "She sulked around the tree.",
                                     "She danced the tree.",
                                     "She smiled at her ball.",
                                     "She smiled at the big ball.",
                                     "She smiled at the red ball once more.",
                                     "She smiled at the big red ball.",
                                     "She smiled at the ball once more.",
                                     "She smiled at the big red ball with her heart.",
                                     "She smiled at the big red ball all day.",
                                     "Maybe maybe she smiled at the ball.",
                                     "It she smiled at the ball.",
                                     "Seems she smiled at the ball.",
                                     "I smiled at the ball.",
                                     "She said, \"She smiled at the ball\".",
                                     "She said, \"I smiled at the ball.",
                                     "She said, I smiled at the ball\".",
                                     "She said \"I smiled at the ball\".",
                                     "She said, \"Maybe I smiled at the ball\".",
                                     "\"I smiled at the ball\", she said.",
                                     "Said she, \"I smiled at the ball\".",
                                     "She said, \"I smiled at the ball\" Lily.",
                                     "She smiled at the ball she cried over the hat.",
                                     "Tree the behind sobbed she.",
                                     "She smiled at the dragon.",
                                     "Hello, world!."}) {
    const storybox::reading r = storybox::read(opener + sentence + " She sobbed behind the tree.");
    ASSERT_EQ(r.sentences.size(), 2U) << sentence;
    EXPECT_FALSE(r.sentences[0].well_formed) << sentence;
    EXPECT_FALSE(r.sentences[0].grammatical()) << sentence;
    EXPECT_TRUE(r.sentences[1].grammatical()) << sentence;
  }
}

TEST(storybox_oracle, cut_sentences_are_ignored_unless_the_story_ends_there) {
  const storybox::reading cut = storybox::read(opener + "She smiled at the ball. Maybe she smiled");
  EXPECT_EQ(cut.sentences.size(), 1U);
  EXPECT_EQ(cut.unfinished, 3U);
  EXPECT_DOUBLE_EQ(cut.grammaticality(), 1.0);

  std::vector<storybox::token> tokens = storybox::to_tokens(opener + "She smiled at the ball. Maybe she smiled");
  tokens.push_back(storybox::eos);
  tokens.push_back(storybox::full_stop);
  const storybox::reading ended = storybox::read(tokens);
  EXPECT_TRUE(ended.ended);
  EXPECT_EQ(ended.unfinished, 0U);
  ASSERT_EQ(ended.sentences.size(), 2U) << "what follows the end is not read";
  EXPECT_FALSE(ended.sentences[1].well_formed);
}

TEST(storybox_oracle, without_an_opener_sentences_agree_with_themselves) {
  const storybox::reading r = storybox::read(
      "She smiled at the ball. He smiled at the big red ball with all his heart. He smiled at the big red ball with "
      "all her heart. "
      "Tom said, \"I sobbed behind the tree\".");
  EXPECT_FALSE(r.hero.has_value());
  ASSERT_EQ(r.sentences.size(), 4U);
  EXPECT_TRUE(r.sentences[0].grammatical());
  EXPECT_TRUE(r.sentences[1].grammatical());
  EXPECT_FALSE(r.sentences[2].grammatical());
  EXPECT_TRUE(r.sentences[3].grammatical());
  EXPECT_FALSE(storybox::read("Once upon a time there was a little girl named Tom. He sobbed behind the tree.").hero);
  EXPECT_FALSE(storybox::read("Once upon a time there was a little bear. He sobbed behind the tree.").hero);
  EXPECT_TRUE(storybox::read(opener).hero);
}

TEST(storybox_oracle, stories_of_the_wrong_length_are_no_stories) {
  for (const std::size_t length : {0U, 5U, 6U, 10U, 11U}) {
    const storybox::story story{{0, 0}, std::vector<storybox::sentence>(length)};
    const storybox::reading r = storybox::read(storybox::tokens(story));
    EXPECT_EQ(r.grammatical_count(), length);
    EXPECT_EQ(r.as_story().has_value(), length == 6U || length == 10U) << length;
  }
}

TEST(storybox_oracle, nothing_is_read) {
  const storybox::reading r = storybox::read(std::string_view{});
  EXPECT_FALSE(r.hero.has_value());
  EXPECT_TRUE(r.sentences.empty());
  EXPECT_TRUE(std::isnan(r.grammaticality()));
  EXPECT_TRUE(std::isnan(r.rate(attribute::mood)));
}

TEST(storybox_oracle, damage_never_passes_unnoticed) {
  // One token replaced, removed or inserted: the text still reads, and what is called grammatical is
  // exactly what the grammar writes.
  for (unsigned seed = 0; seed < 3000; ++seed) {
    std::mt19937_64 engine{seed};
    std::vector<storybox::token> tokens = storybox::tokens(storybox::generate(engine));
    const auto at = static_cast<std::ptrdiff_t>(storybox::draw(engine, static_cast<std::uint32_t>(tokens.size())));
    const auto any = static_cast<storybox::token>(storybox::draw(engine, storybox::vocabulary_size + 2)) - 1;
    switch (storybox::draw(engine, 3)) {
      case 0: tokens[static_cast<std::size_t>(at)] = any; break;
      case 1: tokens.erase(tokens.begin() + at); break;
      default: tokens.insert(tokens.begin() + at, any);
    }
    const storybox::reading r = storybox::read(tokens);
    if (const auto story = r.as_story()) {
      std::vector<storybox::token> again = storybox::tokens(*story);
      if (tokens.front() != storybox::bos) {
        again.erase(again.begin());
      }
      tokens.resize(std::min(tokens.size(), again.size()));  // what follows the end is not read
      EXPECT_EQ(again, tokens) << "seed " << seed;
    }
  }
}

TEST(storybox_oracle, survives_word_salad) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    std::mt19937_64 engine{seed};
    std::vector<storybox::token> tokens;
    tokens.reserve(60);
    for (int i = 0; i < 60; ++i) {
      tokens.push_back(static_cast<storybox::token>(storybox::draw(engine, 100)) - 5);
    }
    const storybox::reading r = storybox::read(tokens);
    EXPECT_FALSE(r.hero.has_value()) << "seed " << seed;
    EXPECT_EQ(r.grammatical_count(), 0U) << "seed " << seed;
  }
}

}  // namespace
