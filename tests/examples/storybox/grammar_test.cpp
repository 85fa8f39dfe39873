#include "storybox/grammar.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "storybox/generator.hpp"

namespace {

using storybox::attribute;

std::string text_of(const storybox::sentence& s, storybox::protagonist hero) {
  return storybox::to_text(storybox::sentence_tokens(s, hero));
}

TEST(storybox_grammar, every_combination_of_attributes_reads_well) {
  const std::array<std::string_view, 16> expected{"She cried over the ball.",
                                                  "She smiled at the ball.",
                                                  "She cried over the big red ball all day long.",
                                                  "She smiled at the big red ball all day long.",
                                                  "She said, \"I cried over the ball\".",
                                                  "She said, \"I smiled at the ball\".",
                                                  "She said, \"I cried over the big red ball all day long\".",
                                                  "She said, \"I smiled at the big red ball all day long\".",
                                                  "Maybe she cried over the ball.",
                                                  "Maybe she smiled at the ball.",
                                                  "Maybe she cried over the big red ball all day long.",
                                                  "Maybe she smiled at the big red ball all day long.",
                                                  "Maybe she said, \"I cried over the ball\".",
                                                  "Maybe she said, \"I smiled at the ball\".",
                                                  "Maybe she said, \"I cried over the big red ball all day long\".",
                                                  "Maybe she said, \"I smiled at the big red ball all day long\"."};
  for (std::size_t bits = 0; bits < expected.size(); ++bits) {
    storybox::sentence s;
    for (const attribute a : storybox::attributes) {
      s.shown[storybox::index(a)] = ((bits >> storybox::index(a)) & 1U) != 0;
    }
    EXPECT_EQ(text_of(s, {}), expected[bits]);
  }
}

TEST(storybox_grammar, pronouns_and_possessives_follow_the_name) {
  storybox::sentence s;
  s.shown[storybox::index(attribute::verbose)] = true;
  s.picked[storybox::index(storybox::choice::ending)] = 4;
  EXPECT_EQ(text_of(s, {2, 3}), "She cried over the big red ball with all her heart.");
  EXPECT_EQ(text_of(s, {2, 4}), "He cried over the big red ball with all his heart.");
  EXPECT_EQ(storybox::to_text(storybox::opener_tokens({2, 4})), "Once upon a time there was a little bear named Tom.");
  EXPECT_EQ(storybox::to_text(storybox::opener_tokens({0, 7})), "Once upon a time there was a little boy named Sam.");
}

TEST(storybox_grammar, openers_are_distinct_and_of_the_stated_length) {
  std::set<std::vector<storybox::token>> openers;
  for (std::uint8_t kind = 0; kind < storybox::kind_count; ++kind) {
    for (std::uint8_t name = 0; name < storybox::name_count; ++name) {
      openers.insert(storybox::opener_tokens({kind, name}));
      EXPECT_EQ(openers.rbegin()->size(), storybox::opener_length);
    }
  }
  EXPECT_EQ(openers.size(), storybox::kind_count * storybox::name_count);
}

TEST(storybox_grammar, canonical_is_idempotent_and_keeps_the_text) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937_64 engine{seed};
    const storybox::story full = storybox::detail::overcomplete(engine, {});
    for (const storybox::sentence& s : full.sentences) {
      const storybox::sentence once = storybox::canonical(s);
      EXPECT_EQ(storybox::canonical(once), once) << "seed " << seed;
      EXPECT_EQ(storybox::sentence_tokens(once, full.hero), storybox::sentence_tokens(s, full.hero)) << "seed " << seed;
    }
  }
}

TEST(storybox_grammar, lengths_stay_within_their_bounds) {
  std::size_t longest = 0;
  for (unsigned seed = 0; seed < 3000; ++seed) {
    std::mt19937_64 engine{seed};
    const storybox::story story = storybox::generate(engine);
    EXPECT_LE(storybox::tokens(story).size(), storybox::longest_story) << "seed " << seed;
    for (const storybox::sentence& s : story.sentences) {
      const std::size_t size = storybox::sentence_tokens(s, story.hero).size();
      EXPECT_GE(size, 6U) << "seed " << seed;
      longest = std::max(longest, size);
    }
  }
  EXPECT_EQ(longest, storybox::longest_sentence);
}

TEST(storybox_grammar, function_words_occur_under_both_values_of_every_attribute) {
  std::array<std::array<std::set<storybox::token>, 2>, storybox::attribute_count> seen;
  for (unsigned seed = 0; seed < 2000; ++seed) {
    std::mt19937_64 engine{seed};
    const storybox::story story = storybox::generate(engine);
    for (const storybox::sentence& s : story.sentences) {
      for (const storybox::token t : storybox::sentence_tokens(s, story.hero)) {
        for (std::size_t a = 0; a < storybox::attribute_count; ++a) {
          seen[a][s.shown[a] ? 1 : 0].insert(t);
        }
      }
    }
  }
  const auto shared = [&seen](storybox::token t) {
    return std::all_of(seen.begin(), seen.end(),
                       [t](const auto& sides) { return sides[0].count(t) > 0 && sides[1].count(t) > 0; });
  };
  for (storybox::token t = 0; storybox::known(t); ++t) {
    const bool content = storybox::is_name(t) || (t >= storybox::find("ball") && t <= storybox::find("tent"));
    EXPECT_EQ(storybox::is_function_word(t), shared(t) && !content) << storybox::word(t);
  }
}

}  // namespace
