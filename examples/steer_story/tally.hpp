// steer_story/tally.hpp: counts per text, and the rates with standard errors that they give.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "steer/measure/take_readings.hpp"

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

using steer::estimate;

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

inline steer::readings readings_of(std::span<const tally> texts, const field& which) {
  steer::readings out;
  for (const tally& t : texts) {
    const count c = which(t);
    out.samples.push_back({c.shown, c.of});
  }
  return out;
}

}  // namespace detail

/// Share of what could show that did, over all texts; NaN where nothing could. Texts are independent, their parts need not
/// be: see `steer::value_of`.
inline estimate rate(std::span<const tally> texts, const field& which) {
  return steer::value_of(detail::readings_of(texts, which));
}

/// Difference of two such shares, where text n of both began alike and drew the same random numbers.
inline estimate shift(std::span<const tally> steered, std::span<const tally> baseline, const field& which) {
  return steer::shift_of(detail::readings_of(baseline, which), detail::readings_of(steered, which));
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
