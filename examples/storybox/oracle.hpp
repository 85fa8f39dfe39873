// storybox/oracle.hpp: reads any text exactly: what each sentence shows, whether it is grammatical.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "storybox/grammar.hpp"
#include "storybox/parse.hpp"

namespace storybox {

/// What the oracle says of one sentence.
struct sentence_reading {
  bool well_formed = false;  ///< its words stand in an order that the grammar has
  bool agrees = false;       ///< and its names, pronouns and possessives are the protagonist's
  sentence content{};        ///< its choices, where well formed

  bool grammatical() const noexcept { return well_formed && agrees; }
};

/// What the oracle says of a text. Rates and counts are over grammatical sentences unless they say
/// otherwise; to pool texts, add up the counts.
struct reading {
  std::optional<protagonist> hero{};          ///< empty if the text lacks a proper opener
  std::vector<sentence_reading> sentences{};  ///< after the opener, damaged ones included
  std::size_t unfinished = 0;                 ///< tokens of a last sentence that was not ended; not judged
  bool ended = false;                         ///< an end-of-story was read; what follows it is not

  std::size_t grammatical_count() const noexcept {
    return static_cast<std::size_t>(
        std::count_if(sentences.begin(), sentences.end(), [](const auto& s) { return s.grammatical(); }));
  }

  std::size_t count(attribute a) const noexcept {
    return static_cast<std::size_t>(std::count_if(
        sentences.begin(), sentences.end(), [a](const auto& s) { return s.grammatical() && s.content.shows(a); }));
  }

  /// Share of the grammatical sentences that show an attribute; NaN if there are none.
  double rate(attribute a) const noexcept { return ratio(count(a), grammatical_count()); }

  /// Share of all finished sentences that are grammatical; NaN if there are none.
  double grammaticality() const noexcept { return ratio(grammatical_count(), sentences.size()); }

  /// The story, if the text is one from opener to end-of-story; empty otherwise.
  std::optional<story> as_story() const {
    const bool whole = hero && ended && unfinished == 0 && sentences.size() >= least_sentences &&
                       sentences.size() <= most_sentences && grammatical_count() == sentences.size();
    if (!whole) {
      return std::nullopt;
    }
    story result{*hero, {}};
    for (const sentence_reading& s : sentences) {
      result.sentences.push_back(s.content);
    }
    return result;
  }

 private:
  static double ratio(std::size_t part, std::size_t whole) noexcept {
    if (whole == 0) {
      return std::numeric_limits<double>::quiet_NaN();
    }
    return static_cast<double>(part) / static_cast<double>(whole);
  }
};

namespace detail {

inline sentence_reading read_sentence(std::span<const token> words, const std::optional<protagonist>& hero) {
  const auto content = parse_sentence(words);
  if (!content) {
    return {};
  }
  bool agrees = hero && writes(*content, *hero, words);
  for (std::uint8_t name = 0; name < name_count && !hero && !agrees; ++name) {
    agrees = writes(*content, {0, name}, words);
  }
  return {true, agrees, *content};
}

}  // namespace detail

/// Reads a token sequence, however damaged; tokens outside the vocabulary make their sentence
/// ungrammatical. A sentence ends at its full stop; a last one that lacks it is not judged, unless an
/// end-of-story follows. Without an opener, a sentence agrees if it does with itself.
///
/// @cost O(T)
inline reading read(std::span<const token> tokens) {
  reading result;
  std::size_t start = !tokens.empty() && tokens.front() == bos ? 1 : 0;
  bool first = true;
  for (std::size_t i = start; i < tokens.size() && !result.ended; ++i) {
    result.ended = tokens[i] == eos;
    if (tokens[i] != full_stop && !(result.ended && i > start)) {
      continue;
    }
    const auto words = tokens.subspan(start, i + 1 - start);
    if (first) {
      result.hero = detail::parse_opener(words);
    }
    if (!first || !result.hero) {
      result.sentences.push_back(detail::read_sentence(words, result.hero));
    }
    first = false;
    start = i + 1;
  }
  result.unfinished = result.ended ? 0 : tokens.size() - start;
  return result;
}

/// As above, from text; words outside the vocabulary make their sentence ungrammatical. Text has no
/// end-of-story, so `ended` stays false.
inline reading read(std::string_view text) {
  std::vector<token> tokens;
  std::size_t at = 0;
  for (auto piece = detail::next_word(text, at); !piece.empty(); piece = detail::next_word(text, at)) {
    tokens.push_back(detail::find_in_text(piece));
  }
  return read(std::span<const token>{tokens});
}

}  // namespace storybox
