#include "storybox/readouts.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <random>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "storybox/generator.hpp"

namespace {

using storybox::attribute;

TEST(storybox_readouts, every_sentence_decides_every_attribute_once_and_the_word_says_which_way) {
  std::mt19937_64 engine(5);
  for (int n = 0; n < 200; ++n) {
    const storybox::story story = storybox::generate(engine);
    const auto text = storybox::tokens(story);
    for (const attribute a : storybox::attributes) {
      SCOPED_TRACE(std::string(storybox::name(a)) + " in " + storybox::to_text(text));
      const steer::token_sets sets = storybox::decision(a);
      const std::set<std::int32_t> positive(sets.positive.begin(), sets.positive.end());
      std::vector<bool> shown;
      for (std::size_t t = 0; t < text.size(); ++t) {
        if (sets.positions(text, t)) {
          shown.push_back(positive.contains(text[t + 1]));
        }
      }
      ASSERT_EQ(shown.size(), story.sentences.size());
      for (std::size_t s = 0; s < shown.size(); ++s) {
        EXPECT_EQ(shown[s], story.sentences[s].shows(a)) << "sentence " << s;
      }
    }
  }
}

TEST(storybox_readouts, the_sets_are_disjoint_and_hold_each_choice) {
  const std::size_t sizes[][2] = {{4, 4}, {3, 12}, {1, 8}, {3, 10}};
  for (const attribute a : storybox::attributes) {
    const steer::token_sets sets = storybox::decision(a);
    EXPECT_EQ(sets.positive.size(), sizes[storybox::index(a)][0]) << storybox::name(a);
    EXPECT_EQ(sets.negative.size(), sizes[storybox::index(a)][1]) << storybox::name(a);
    for (const std::int32_t token : sets.positive) {
      EXPECT_EQ(std::count(sets.negative.begin(), sets.negative.end(), token), 0);
    }
  }
}

}  // namespace
