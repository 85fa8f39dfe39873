#include "storybox/generator.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace {

using storybox::attribute;

TEST(storybox_generator, same_seed_same_story) {
  std::mt19937_64 one{7};
  std::mt19937_64 two{7};
  const storybox::story first = storybox::generate(one);
  EXPECT_EQ(first, storybox::generate(two));
  EXPECT_NE(first, storybox::generate(two));
}

TEST(storybox_generator, stories_are_pinned_across_platforms) {
  std::mt19937_64 engine{5};
  EXPECT_EQ(
      storybox::to_text(storybox::tokens(storybox::generate(engine))),
      "Once upon a time there was a little rabbit named Lily. She said, \"I smiled at the book\". Lily said, \"I "
      "sighed over the book\". Lily sulked behind the tent. Lily said, \"I sobbed behind the tree\". Lily said, \"I "
      "sobbed behind the tree\". She skipped around the barn.");
}

TEST(storybox_generator, draw_is_uniform_for_engines_of_any_range) {
  std::minstd_rand engine{3};  // its range is no power of two
  std::array<int, 7> counts{};
  constexpr int draws = 70000;
  for (int i = 0; i < draws; ++i) {
    ++counts[storybox::draw(engine, 7)];
  }
  double chi2 = 0.0;
  for (const int c : counts) {
    chi2 += (c - draws / 7.0) * (c - draws / 7.0) / (draws / 7.0);
  }
  EXPECT_LT(chi2, 22.46);  // 0.999 quantile, 6 degrees of freedom
  EXPECT_THROW((void)storybox::draw(engine, 0), std::invalid_argument);
}

TEST(storybox_generator, every_choice_is_uniform) {
  std::mt19937_64 engine{11};
  std::array<std::array<double, 8>, storybox::choice_count> counts{};
  std::array<double, storybox::choice_count> totals{};
  for (int i = 0; i < 4000; ++i) {
    for (const storybox::sentence& s : storybox::generate(engine).sentences) {
      for (const storybox::choice c : storybox::choices) {
        if (!storybox::has(s, c)) {
          continue;
        }
        counts[storybox::index(c)][s.pick(c)] += 1.0;
        totals[storybox::index(c)] += 1.0;
      }
    }
  }
  for (const storybox::choice c : storybox::choices) {
    const double p = 1.0 / storybox::alternatives(c);
    const double n = totals[storybox::index(c)];
    for (std::uint32_t v = 0; v < storybox::alternatives(c); ++v) {
      EXPECT_NEAR(counts[storybox::index(c)][v] / n, p, 4.5 * std::sqrt(p * (1 - p) / n))
          << "choice " << storybox::index(c) << " alternative " << v;
    }
  }
}

TEST(storybox_generator, attributes_are_independent_with_uniform_propensities) {
  // Over stories the number shown of n is uniform on 0..n, and no two attributes correlate.
  std::mt19937_64 engine{12};
  std::array<std::array<int, 7>, storybox::attribute_count> histogram{};
  std::array<std::array<double, storybox::attribute_count>, storybox::attribute_count> product{};
  constexpr int stories = 14000;
  for (int i = 0; i < stories; ++i) {
    const storybox::story story = storybox::generate(engine);
    std::array<double, storybox::attribute_count> first_six{};
    for (std::size_t s = 0; s < 6; ++s) {
      for (std::size_t a = 0; a < storybox::attribute_count; ++a) {
        first_six[a] += story.sentences[s].shown[a] ? 1 : 0;
      }
    }
    for (std::size_t a = 0; a < storybox::attribute_count; ++a) {
      ++histogram[a][static_cast<std::size_t>(first_six[a])];
      for (std::size_t b = 0; b < a; ++b) {
        product[a][b] += (first_six[a] - 3) * (first_six[b] - 3) / 4.0;
      }
    }
  }
  for (std::size_t a = 0; a < storybox::attribute_count; ++a) {
    for (const int count : histogram[a]) {
      EXPECT_NEAR(count, stories / 7.0, 4.5 * std::sqrt(stories / 7.0));
    }
    for (std::size_t b = 0; b < a; ++b) {
      EXPECT_NEAR(product[a][b] / stories, 0.0, 4.5 / std::sqrt(stories));
    }
  }
}

TEST(storybox_generator, given_propensities_are_kept) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937_64 engine{seed};
    for (const storybox::sentence& s : storybox::generate(engine, {1.0, std::nullopt, 0.0, std::nullopt}).sentences) {
      EXPECT_TRUE(s.shows(attribute::mood)) << "seed " << seed;
      EXPECT_FALSE(s.shows(attribute::dialogue)) << "seed " << seed;
    }
  }
  std::mt19937_64 engine{0};
  try {
    (void)storybox::generate(engine, {std::nullopt, 1.5, std::nullopt, std::nullopt});
    FAIL() << "a propensity of 1.5 was accepted";
  } catch (const std::invalid_argument& error) {
    EXPECT_EQ(std::string(error.what()), "storybox: propensity of verbose is 1.500000, expected 0 to 1");
  }
  EXPECT_THROW((void)storybox::generate(engine, {std::numeric_limits<double>::quiet_NaN(), {}, {}, {}}),
               std::invalid_argument);
}

TEST(storybox_generator, contrast_differs_in_one_attribute_only) {
  for (unsigned seed = 0; seed < 1000; ++seed) {
    for (const attribute a : storybox::attributes) {
      std::mt19937_64 engine{seed};
      const auto [with, without] = storybox::contrast(engine, a);
      ASSERT_EQ(with.hero, without.hero) << "seed " << seed;
      ASSERT_EQ(with.sentences.size(), without.sentences.size()) << "seed " << seed;
      for (std::size_t i = 0; i < with.sentences.size(); ++i) {
        EXPECT_TRUE(with.sentences[i].shows(a)) << "seed " << seed;
        EXPECT_FALSE(without.sentences[i].shows(a)) << "seed " << seed;
        storybox::sentence flipped = with.sentences[i];
        flipped.shown[storybox::index(a)] = false;
        storybox::sentence bare = without.sentences[i];
        for (const storybox::choice c : storybox::choices) {
          if (!storybox::has(with.sentences[i], c)) {
            bare.picked[storybox::index(c)] = 0;
          }
        }
        EXPECT_EQ(storybox::canonical(flipped), bare) << "seed " << seed;
      }
    }
  }
}

}  // namespace
