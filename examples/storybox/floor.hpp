// storybox/floor.hpp: what the best possible predictor of stories loses, exactly.
//
// Accounting: the model sees <bos> and predicts every later token, <eos> included, so a story of T
// tokens has T - 1 predictions. A loss is a sum of -log p (nats) over a number of predictions.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "storybox/grammar.hpp"

namespace storybox {

/// Probability that the next sentence shows an attribute, given the story so far: Laplace's rule, which
/// is exact because propensities are uniform on [0, 1].
///
/// @param shown  sentences so far that show it
/// @param seen   sentences so far
constexpr double ideal_probability(std::size_t shown, std::size_t seen) noexcept {
  return (1.0 + static_cast<double>(shown)) / (2.0 + static_cast<double>(seen));
}

/// Probability that the story ends after `seen` sentences, given that it has come so far.
constexpr double ideal_end(std::size_t seen) noexcept {
  if (seen < least_sentences) {
    return 0.0;
  }
  return seen >= most_sentences ? 1.0 : 1.0 / static_cast<double>(most_sentences - seen + 1);
}

/// Log probability of a sentence's uniform choices, its attributes given.
/// @units nats
inline double uniform_log_probability(const sentence& s) {
  double sum = 0.0;
  for (const choice c : choices) {
    if (has(s, c)) {
      sum -= std::log(static_cast<double>(alternatives(c)));
    }
  }
  return sum;
}

/// Log probability of a whole story under the ideal predictor, which is the generator's own.
///
/// @throws nothing; a story whose length the grammar lacks has probability 0, log -infinity
/// @units  nats, summed over the story's predicted tokens
/// @cost   O(sentences)
inline double ideal_log_probability(const story& s) {
  double sum = -std::log(static_cast<double>(kind_count * name_count));
  std::array<std::size_t, attribute_count> shown{};
  for (std::size_t seen = 0; seen < s.sentences.size(); ++seen) {
    const sentence& each = s.sentences[seen];
    sum += std::log1p(-ideal_end(seen)) + uniform_log_probability(each);
    for (const attribute a : attributes) {
      const double p = ideal_probability(shown[index(a)], seen);
      sum += std::log(each.shows(a) ? p : 1.0 - p);
      shown[index(a)] += each.shows(a) ? 1U : 0U;
    }
  }
  return sum + std::log(ideal_end(s.sentences.size()));
}

/// A loss with its denominator.
struct loss {
  double nats = 0.0;         ///< total, or mean per story
  double predictions = 0.0;  ///< predicted tokens, counted the same way

  double per_token() const noexcept { return nats / predictions; }
};

/// The least loss that any predictor without knowledge of the propensities can expect on these stories.
/// @units nats and predicted tokens, both totals
inline loss corpus_floor(std::span<const story> stories) {
  loss total;
  for (const story& s : stories) {
    total.nats -= ideal_log_probability(s);
    total.predictions += static_cast<double>(tokens(s).size() - 1);
  }
  return total;
}

namespace detail {

/// Expected nats and tokens of one sentence's uniform choices: the mean over the attributes'
/// combinations, which are equally likely in any single sentence since E[p] = 1/2.
inline loss expected_sentence() {
  constexpr std::size_t combinations = std::size_t{1} << attribute_count;
  loss mean;
  for (std::size_t bits = 0; bits < combinations; ++bits) {
    for (std::uint32_t frame = 0; frame < alternatives(choice::frame); ++frame) {
      for (std::uint32_t hedge = 0; hedge < alternatives(choice::hedge); ++hedge) {
        for (std::uint32_t ending = 0; ending < alternatives(choice::ending); ++ending) {
          sentence s;
          for (const attribute a : attributes) {
            s.shown[index(a)] = ((bits >> index(a)) & 1U) != 0;
          }
          s.picked[index(choice::frame)] = static_cast<std::uint8_t>(frame);
          s.picked[index(choice::hedge)] = static_cast<std::uint8_t>(hedge);
          s.picked[index(choice::ending)] = static_cast<std::uint8_t>(ending);
          mean.nats -= uniform_log_probability(canonical(s));
          mean.predictions += static_cast<double>(sentence_tokens(canonical(s), {}).size());
        }
      }
    }
  }
  const double count = static_cast<double>(combinations) * alternatives(choice::frame) * alternatives(choice::hedge) *
                       alternatives(choice::ending);
  return {mean.nats / count, mean.predictions / count};
}

/// Expected -log of a sequence of n Bernoulli draws whose p ~ U[0, 1] the predictor has to learn: k
/// successes in a given order have probability B(k+1, n-k+1) = k!(n-k)!/(n+1)!, and k is uniform.
inline double expected_laplace_nats(std::size_t n) {
  double sum = 0.0;
  for (std::size_t k = 0; k <= n; ++k) {
    sum += std::lgamma(static_cast<double>(n) + 2.0) - std::lgamma(static_cast<double>(k) + 1.0) -
           std::lgamma(static_cast<double>(n - k) + 1.0);
  }
  return sum / static_cast<double>(n + 1);
}

}  // namespace detail

/// The floor of an endless corpus, in closed form: E[nats of a story] / E[predicted tokens].
/// @units nats and predicted tokens per story
inline loss expected_floor() {
  const loss each = detail::expected_sentence();
  constexpr double lengths = most_sentences - least_sentences + 1;
  loss mean;
  mean.nats = std::log(static_cast<double>(kind_count * name_count)) + std::log(lengths);
  mean.predictions = static_cast<double>(opener_length) + 1.0;
  for (std::size_t n = least_sentences; n <= most_sentences; ++n) {
    mean.nats +=
        (static_cast<double>(n) * each.nats + static_cast<double>(attribute_count) * detail::expected_laplace_nats(n)) /
        lengths;
    mean.predictions += static_cast<double>(n) * each.predictions / lengths;
  }
  return mean;
}

}  // namespace storybox
