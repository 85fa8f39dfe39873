// storybox/vocabulary.hpp: the closed vocabulary, and text to tokens and back.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace storybox {

/// A word's number: one word, punctuation mark or quotation mark is one token.
using token = std::int32_t;

/// Every word there is; a token is an index into this list.
inline constexpr std::array<std::string_view, 78> vocabulary{
    "<bos>",   "<eos>",   ".",      ",",      "\"",                                   // marks
    "once",    "upon",    "a",      "time",   "there",  "was",    "little", "named",  // opener
    "girl",    "boy",     "rabbit", "bear",                                           // kinds
    "lily",    "mia",     "anna",   "rose",   "tom",    "ben",    "max",    "sam",    // names
    "she",     "he",      "her",    "his",    "i",      "my",     "the",    "said",   // function words
    "maybe",   "perhaps", "it",     "seems",                                          // hedges
    "smiled",  "laughed", "cried",  "sighed", "at",     "over",                       // about an object
    "skipped", "danced",  "sobbed", "sulked", "around", "behind",                     // at a place
    "ball",    "kite",    "boat",   "hat",    "drum",   "book",                       // objects
    "tree",    "house",   "bridge", "barn",   "gate",   "tent",                       // places
    "big",     "small",   "old",    "red",    "blue",   "green",  "white",            // modifiers
    "all",     "day",     "long",   "again",  "and",    "more",   "for",    "hours", "with", "heart"};  // wordy endings

inline constexpr std::size_t vocabulary_size = vocabulary.size();
inline constexpr token bos = 0;
inline constexpr token eos = 1;

/// All words in the order of their tokens.
constexpr std::span<const std::string_view> words() noexcept { return vocabulary; }

/// True for every token that has a word.
constexpr bool known(token id) noexcept { return id >= 0 && static_cast<std::size_t>(id) < vocabulary_size; }

/// The token of a lower-case word, or -1 where the vocabulary lacks it.
/// @cost O(V)
constexpr token find(std::string_view word) noexcept {
  for (std::size_t i = 0; i < vocabulary_size; ++i) {
    if (vocabulary[i] == word) {
      return static_cast<token>(i);
    }
  }
  return -1;
}

/// The word of a token.
/// @throws std::out_of_range if the vocabulary has no such token
inline std::string_view word(token id) {
  if (!known(id)) {
    throw std::out_of_range("storybox: token " + std::to_string(id) + " is outside the vocabulary of " +
                            std::to_string(vocabulary_size) + " words");
  }
  return vocabulary[static_cast<std::size_t>(id)];
}

namespace detail {

/// Not constexpr and never defined: a constant expression that gets here does not compile.
void the_vocabulary_lacks_this_word();

}  // namespace detail

/// `find` for words that are written in the source: a misspelt one does not compile.
consteval token id(std::string_view word) {
  const token found = find(word);
  if (found < 0) {
    detail::the_vocabulary_lacks_this_word();
  }
  return found;
}

inline constexpr token full_stop = id(".");

/// True for the protagonists' names.
constexpr bool is_name(token t) noexcept { return t >= id("lily") && t <= id("sam"); }

/// Tokens as a reader expects them: capitals for sentence starts, names and "I"; no space before a
/// full stop or inside quotation marks. Special tokens have no text and are left out.
///
/// @throws std::out_of_range if a token is outside the vocabulary
inline std::string to_text(std::span<const token> tokens) {
  std::string text;
  bool sentence_start = true;
  bool quoted = false;
  bool glue = true;  // the next word follows without a space
  for (const token t : tokens) {
    std::string piece{word(t)};
    if (t == bos || t == eos) {
      continue;
    }
    if (t == id("\"")) {
      if (!quoted && !text.empty()) {
        text += ' ';
      }
      text += piece;
      quoted = !quoted;
      glue = quoted;
      continue;
    }
    const bool mark = t == full_stop || t == id(",");
    if (!mark && !glue) {
      text += ' ';
    }
    if (!mark && (sentence_start || is_name(t) || t == id("i"))) {
      piece.front() = static_cast<char>(piece.front() - 'a' + 'A');
    }
    text += piece;
    sentence_start = t == full_stop;
    quoted = quoted && t != full_stop;  // a quotation never outlives its sentence
    glue = false;
  }
  return text;
}

namespace detail {

/// The next word or mark of a text, from position `at`, which moves behind it; empty at the end.
inline std::string_view next_word(std::string_view text, std::size_t& at) {
  constexpr std::string_view spaces = " \t\r\n";
  constexpr std::string_view stops = " \t\r\n.,\"";
  const std::size_t start = text.find_first_not_of(spaces, at);
  if (start == std::string_view::npos) {
    at = text.size();
    return {};
  }
  const std::size_t end = text.find_first_of(stops, start);
  at = end == start ? start + 1 : end == std::string_view::npos ? text.size() : end;
  return text.substr(start, at - start);
}

/// `find` for a word with capitals; special tokens have no text, so they are not found either.
inline token find_in_text(std::string_view piece) {
  std::string lower{piece};
  for (char& c : lower) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  const token found = find(lower);
  return found == bos || found == eos ? -1 : found;
}

}  // namespace detail

/// The inverse of `to_text`: begin-of-story, then one token per word or mark, and no end-of-story,
/// so that a prompt can be continued.
///
/// @throws std::invalid_argument naming the first unknown word and its position
/// @cost   O(characters + words * V)
inline std::vector<token> to_tokens(std::string_view text) {
  std::vector<token> tokens{bos};
  std::size_t at = 0;
  for (auto piece = detail::next_word(text, at); !piece.empty(); piece = detail::next_word(text, at)) {
    const token found = detail::find_in_text(piece);
    if (found < 0) {
      throw std::invalid_argument("storybox: unknown word \"" + std::string(piece) + "\" at character " +
                                  std::to_string(at - piece.size()) + "; the vocabulary has " +
                                  std::to_string(vocabulary_size) + " words");
    }
    tokens.push_back(found);
  }
  return tokens;
}

}  // namespace storybox
