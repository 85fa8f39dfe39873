// steer_story/tally.hpp: counts per text, and the rates with standard errors that they give.
#pragma once

#include <cmath>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace steer_story {

/// How often something could have shown in one text, and how often it did.
struct count {
  double shown = 0.0;
  double of = 0.0;
};

/// What a judge finds in one text.
struct tally {
  std::vector<count> concepts;  ///< in the order of the subject's concepts
  count sound;                  ///< the part of the text that holds together
  double sentences = 0.0;
};

/// A number with its standard error.
struct estimate {
  double value = 0.0;
  double error = 0.0;
};

/// Picks one count of a tally.
using field = std::function<count(const tally&)>;

inline field concept_number(std::size_t index) {
  return [index](const tally& t) { return t.concepts[index]; };
}
/// Whether a text has more of a concept's words than of its opposite's; one that has as many decides nothing.
inline field wins(std::size_t index) {
  return [index](const tally& t) {
    const double shown = t.concepts[index].shown;
    const double opposite = t.concepts[index].of - shown;
    return shown == opposite ? count{} : count{shown > opposite ? 1.0 : 0.0, 1.0};
  };
}
inline count soundness(const tally& t) { return t.sound; }

namespace detail {

/// Standard error of a sum of independent terms with mean zero.
inline double error_of_sum(std::span<const double> terms) {
  double squares = 0.0;
  for (const double term : terms) {
    squares += term * term;
  }
  const auto n = static_cast<double>(terms.size());
  return n > 1.0 ? std::sqrt(squares * n / (n - 1.0)) : std::nan("");
}

struct pooled {
  double rate = 0.0;
  std::vector<double> influence;  // of each text on the rate
};

inline pooled pool(std::span<const tally> texts, const field& which) {
  count sum;
  for (const tally& t : texts) {
    const count c = which(t);
    sum.shown += c.shown;
    sum.of += c.of;
  }
  pooled out{sum.shown / sum.of, {}};
  for (const tally& t : texts) {
    const count c = which(t);
    out.influence.push_back((c.shown - out.rate * c.of) / sum.of);
  }
  return out;
}

}  // namespace detail

/// Share of what could show that did, over all texts; NaN where nothing could. Texts are independent, their parts need not
/// be, so the error is that of a ratio of sums over texts.
///
/// @source Cochran 1977, Sampling Techniques, section 6.3 (ratio estimator)
inline estimate rate(std::span<const tally> texts, const field& which) {
  const detail::pooled all = detail::pool(texts, which);
  return {all.rate, detail::error_of_sum(all.influence)};
}

/// Difference of two such shares, where text n of both began alike and drew the same random numbers.
inline estimate shift(std::span<const tally> steered, std::span<const tally> baseline, const field& which) {
  detail::pooled a = detail::pool(steered, which);
  const detail::pooled b = detail::pool(baseline, which);
  for (std::size_t n = 0; n < a.influence.size(); ++n) {
    a.influence[n] -= b.influence[n];
  }
  return {a.rate - b.rate, detail::error_of_sum(a.influence)};
}

/// Sentences of all texts.
inline double sentences(std::span<const tally> texts) {
  double sum = 0.0;
  for (const tally& t : texts) {
    sum += t.sentences;
  }
  return sum;
}

}  // namespace steer_story
