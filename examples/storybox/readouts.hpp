// storybox/readouts.hpp: where a story decides each attribute, and by which words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "steer/measure/readout.hpp"
#include "storybox/grammar.hpp"

namespace storybox {
namespace detail {

constexpr bool among(token t, token first, token count) noexcept { return t >= first && t < first + count; }

constexpr token verbs_of_a_frame = 4;  // two happy ones, then two sad ones
constexpr bool is_verb(token t) noexcept {
  return among(t, id("smiled"), verbs_of_a_frame) || among(t, id("skipped"), verbs_of_a_frame);
}
constexpr bool is_happy(token t) noexcept { return among(t, id("smiled"), 2) || among(t, id("skipped"), 2); }
constexpr bool is_size(token t) noexcept { return among(t, id("big"), static_cast<token>(alternatives(choice::size))); }
constexpr bool is_noun(token t) noexcept {
  constexpr auto count = static_cast<token>(alternatives(choice::noun));
  return among(t, id("ball"), count) || among(t, id("tree"), count);
}
constexpr bool is_hedge(token t) noexcept { return among(t, id("maybe"), static_cast<token>(alternatives(choice::hedge))); }
constexpr bool is_subject(token t) noexcept {
  return t == id("she") || t == id("he") || among(t, id("lily"), static_cast<token>(name_count));
}

/// Whether the word shows the attribute, and whether it shows the opposite.
constexpr std::pair<bool, bool> says(attribute a, token t) noexcept {
  switch (a) {
    case attribute::mood: return {is_happy(t), is_verb(t) && !is_happy(t)};
    case attribute::verbose: return {is_size(t), is_noun(t)};
    case attribute::dialogue: return {t == id("said"), is_verb(t)};
    case attribute::hedged: break;
  }
  return {is_hedge(t), is_subject(t)};
}

/// Whether the word after this one decides the attribute.
constexpr bool stands_before_choice(attribute a, token t) noexcept {
  switch (a) {
    case attribute::mood: return true;  // a verb follows several words, and says enough itself
    case attribute::verbose: return t == id("the");
    case attribute::dialogue: return is_subject(t);
    case attribute::hedged: break;
  }
  return t == full_stop;
}

}  // namespace detail

/// The two sets of words of which one is chosen, and the places in a story where that happens: the word that stands there is
/// of either set.
/// @param first  the first token after which a place counts; by default the opener's last
inline steer::token_sets decision(attribute a, std::size_t first = opener_length) {
  steer::token_sets out{.name = std::string(name(a))};
  for (token t = 0; t < static_cast<token>(vocabulary_size); ++t) {
    const auto [shows, opposes] = detail::says(a, t);
    if (shows) {
      out.positive.push_back(t);
    } else if (opposes) {
      out.negative.push_back(t);
    }
  }
  out.positions = [a, first](std::span<const std::int32_t> text, std::size_t position) {
    if (position < first || position + 1 >= text.size() || !detail::stands_before_choice(a, text[position])) {
      return false;
    }
    const auto [shows, opposes] = detail::says(a, text[position + 1]);
    return shows || opposes;
  };
  return out;
}

/// The log-odds of the rate of an attribute in such stories, from the model's probabilities at every choice.
/// @throws as `token_set_readout`
inline steer::readout rate_readout(attribute a, std::vector<steer::token_text> stories, std::size_t first = opener_length) {
  return steer::token_set_readout(decision(a, first), std::move(stories), steer::pooling::log_ratio);
}

}  // namespace storybox
