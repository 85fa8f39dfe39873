#include "storybox/floor.hpp"

#include <array>
#include <cmath>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "storybox/generator.hpp"

namespace {

/// Calls `visit` with every canonical sentence there is.
template <typename Visit>
void for_each_sentence(Visit visit, storybox::sentence s = {}, std::size_t decided = 0) {
  if (decided < storybox::attribute_count) {
    for (const bool shown : {false, true}) {
      s.shown[decided] = shown;
      for_each_sentence(visit, s, decided + 1);
    }
    return;
  }
  const std::size_t c = decided - storybox::attribute_count;
  if (c == storybox::choice_count) {
    visit(s);
    return;
  }
  const std::uint32_t count = storybox::has(s, storybox::choices[c]) ? storybox::alternatives(storybox::choices[c]) : 1;
  for (std::uint32_t value = 0; value < count; ++value) {
    s.picked[c] = static_cast<std::uint8_t>(value);
    for_each_sentence(visit, s, decided + 1);
  }
}

TEST(storybox_floor, ideal_next_sentence_sums_to_one) {
  // Every sentence the grammar has, after an arbitrary past: probabilities sum to 1.
  constexpr std::array<std::size_t, storybox::attribute_count> past{0, 7, 3, 5};
  double total = 0.0;
  std::size_t count = 0;
  for_each_sentence([&](const storybox::sentence& s) {
    double p = std::exp(storybox::uniform_log_probability(s));
    for (std::size_t a = 0; a < storybox::attribute_count; ++a) {
      const double shown = storybox::ideal_probability(past[a], 7);
      p *= s.shown[a] ? shown : 1.0 - shown;
    }
    total += p;
    ++count;
  });
  EXPECT_NEAR(total, 1.0, 1e-9);
  EXPECT_EQ(count, 48U * 61U * 4U * 4U);
}

TEST(storybox_floor, no_two_sentences_share_their_tokens) {
  std::set<std::string> seen;  // one byte per token
  std::size_t count = 0;
  for_each_sentence([&](const storybox::sentence& s) {
    std::string key;
    for (const storybox::token t : storybox::sentence_tokens(s, {})) {
      key += static_cast<char>(t);
    }
    seen.insert(key);
    ++count;
    ASSERT_EQ(key.find(static_cast<char>(storybox::full_stop)), key.size() - 1) << "one full stop, at the end";
  });
  EXPECT_EQ(seen.size(), count);
}

TEST(storybox_floor, laplace_chain_equals_the_beta_integral) {
  for (std::size_t n = 0; n <= 10; ++n) {
    double expected = 0.0;  // over all 2^n outcomes
    for (std::size_t bits = 0; bits < (std::size_t{1} << n); ++bits) {
      double p = 1.0;
      std::size_t shown = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const bool one = ((bits >> i) & 1U) != 0;
        const double q = storybox::ideal_probability(shown, i);
        p *= one ? q : 1.0 - q;
        shown += one ? 1U : 0U;
      }
      expected -= p * std::log(p);
    }
    EXPECT_NEAR(storybox::detail::expected_laplace_nats(n), expected, 1e-10) << "n " << n;
  }
}

TEST(storybox_floor, end_hazard_makes_lengths_uniform) {
  double reached = 1.0;
  for (std::size_t n = 0; n <= storybox::most_sentences; ++n) {
    const double ends = reached * storybox::ideal_end(n);
    EXPECT_NEAR(ends, n < storybox::least_sentences ? 0.0 : 0.2, 1e-12) << "n " << n;
    reached -= ends;
  }
  EXPECT_NEAR(reached, 0.0, 1e-12);
  EXPECT_EQ(storybox::ideal_log_probability({{}, std::vector<storybox::sentence>(11)}), -INFINITY);
  EXPECT_EQ(storybox::ideal_log_probability({{}, std::vector<storybox::sentence>(5)}), -INFINITY);
}

TEST(storybox_floor, known_story) {
  // Six identical bare sentences: 1/24 protagonist, 1/5 length, per sentence 1/2 1/2 1/2 1/6, and
  // 0!6!/7! = 1/7 for each of four attributes.
  const storybox::story story{{1, 2}, std::vector<storybox::sentence>(6)};
  const double expected = -std::log(24.0 * 5.0) - 6.0 * std::log(48.0) - 4.0 * std::log(7.0);
  EXPECT_NEAR(storybox::ideal_log_probability(story), expected, 1e-10);
  EXPECT_NEAR(storybox::corpus_floor(std::vector{story}).per_token(), -expected / (13.0 + 6.0 * 6.0), 1e-12);
}

TEST(storybox_floor, random_corpus_meets_the_closed_form) {
  constexpr unsigned seed = 21;
  constexpr std::size_t count = 20000;
  std::mt19937_64 engine{seed};
  const storybox::loss expected = storybox::expected_floor();
  std::vector<storybox::story> stories;
  double ratio_square = 0.0;
  double nats_square = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    stories.push_back(storybox::generate(engine));
    const storybox::loss one = storybox::corpus_floor(std::vector{stories.back()});
    const double residual = one.nats - expected.per_token() * one.predictions;
    ratio_square += residual * residual;
    nats_square += (one.nats - expected.nats) * (one.nats - expected.nats);
  }
  const storybox::loss total = storybox::corpus_floor(stories);
  const auto n = static_cast<double>(count);
  EXPECT_NEAR(total.nats / n, expected.nats, 4.0 * std::sqrt(nats_square) / n) << "seed " << seed;
  EXPECT_NEAR(total.per_token(), expected.per_token(), 4.0 * std::sqrt(ratio_square) / n / expected.predictions)
      << "seed " << seed;
  EXPECT_NEAR(expected.per_token(), 0.716127, 1e-6);
}

}  // namespace
