#include "steer_story/tally.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace {

using steer_story::concept_number;
using steer_story::tally;

TEST(tally, of_single_decisions_has_the_binomial_error) {
  std::vector<tally> texts;
  for (int n = 0; n < 100; ++n) {
    texts.push_back({{{n < 30 ? 1.0 : 0.0, 1.0}}, {1.0, 1.0}, 1.0});
  }
  const steer_story::estimate rate = steer_story::rate(texts, concept_number(0));
  EXPECT_DOUBLE_EQ(rate.value, 0.3);
  EXPECT_NEAR(rate.error, std::sqrt(0.3 * 0.7 / 99.0), 1e-12);
  EXPECT_EQ(steer_story::rate(texts, steer_story::soundness).error, 0.0);
}

TEST(tally, counts_texts_and_not_their_sentences_as_independent) {
  std::vector<tally> texts;  // every sentence of a text alike: ten per text say no more than one
  for (int n = 0; n < 100; ++n) {
    texts.push_back({{{n < 30 ? 10.0 : 0.0, 10.0}}, {}, 10.0});
  }
  EXPECT_NEAR(steer_story::rate(texts, concept_number(0)).error, std::sqrt(0.3 * 0.7 / 99.0), 1e-12);
}

TEST(tally, shift_of_equal_texts_is_zero_without_error) {
  std::mt19937_64 engine(3);
  std::vector<tally> texts;
  for (int n = 0; n < 20; ++n) {
    texts.push_back({{{static_cast<double>(engine() % 7), 7.0}}, {}, 7.0});
  }
  const steer_story::estimate shift = steer_story::shift(texts, texts, concept_number(0));
  EXPECT_EQ(shift.value, 0.0);
  EXPECT_EQ(shift.error, 0.0);
}

TEST(tally, error_is_the_spread_of_many_repetitions) {
  std::mt19937_64 engine(11);
  std::uniform_real_distribution<double> uniform;
  std::vector<double> rates;
  double predicted = 0.0;
  for (int repetition = 0; repetition < 400; ++repetition) {
    std::vector<tally> texts;
    for (int n = 0; n < 60; ++n) {  // texts of uneven length, each with a propensity of its own
      const double p = uniform(engine);
      steer_story::count c{0.0, static_cast<double>(6 + engine() % 5)};
      for (int s = 0; s < static_cast<int>(c.of); ++s) {
        c.shown += uniform(engine) < p ? 1.0 : 0.0;
      }
      texts.push_back({{c}, {}, c.of});
    }
    const steer_story::estimate found = steer_story::rate(texts, concept_number(0));
    rates.push_back(found.value);
    predicted += found.error / 400.0;
  }
  double mean = 0.0;
  double squares = 0.0;
  for (const double rate : rates) {
    mean += rate / 400.0;
  }
  for (const double rate : rates) {
    squares += (rate - mean) * (rate - mean);
  }
  EXPECT_NEAR(mean, 0.5, 0.01);
  EXPECT_NEAR(predicted / std::sqrt(squares / 399.0), 1.0, 0.12);  // 3.4 standard errors of a spread of 400
}

}  // namespace
