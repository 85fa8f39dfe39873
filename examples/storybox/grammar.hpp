// storybox/grammar.hpp: short stories as choices, and the one token sequence of each.
//
//     story     = <bos> opener sentence{6..10} <eos>
//     opener    = once upon a time there was a little KIND named NAME .
//     sentence  = [HEDGE] SUBJECT (PREDICATE | said , " i PREDICATE ") .
//     predicate = VERB PREPOSITION the PHRASE
//     phrase    = NOUN | SIZE COLOUR NOUN ENDING          (terse | verbose)
//
// Each attribute is decided at a place of its own: hedged by the first word, dialogue by the word after
// the subject, mood by the verb, verbose by the word after "the". Token sequences and choices
// correspond one to one, so a story's probability is a product.
//
// The preposition follows from the verb, another one for each mood. Were it the same, nothing but the
// mood of later sentences would tell happy verbs from sad ones, and the model of train.py never found
// that: their embeddings collapsed into one, at a loss 1 % above the floor.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "storybox/vocabulary.hpp"

namespace storybox {

/// What a sentence can show; the four are independent of each other.
///
/// | attribute | shown                        | not shown      |
/// |-----------|------------------------------|----------------|
/// | mood      | happy                        | sad            |
/// | verbose   | two modifiers and an ending  | the bare noun  |
/// | dialogue  | quoted speech                | narration      |
/// | hedged    | maybe, perhaps, it seems     | certain        |
enum class attribute : std::uint8_t { mood, verbose, dialogue, hedged };

inline constexpr std::size_t attribute_count = 4;
inline constexpr std::array<attribute, attribute_count> attributes{attribute::mood, attribute::verbose,
                                                                   attribute::dialogue, attribute::hedged};

constexpr std::size_t index(attribute a) noexcept { return static_cast<std::size_t>(a); }

constexpr std::string_view name(attribute a) noexcept {
  constexpr std::array<std::string_view, attribute_count> names{"mood", "verbose", "dialogue", "hedged"};
  return names[index(a)];
}

/// The other choices of a sentence; each is uniform over its alternatives.
enum class choice : std::uint8_t { subject, frame, hedge, verb, size, colour, noun, ending };

inline constexpr std::size_t choice_count = 8;
inline constexpr std::array<choice, choice_count> choices{choice::subject, choice::frame, choice::hedge,
                                                          choice::verb,    choice::size,  choice::colour,
                                                          choice::noun,    choice::ending};

constexpr std::size_t index(choice c) noexcept { return static_cast<std::size_t>(c); }

/// Number of alternatives of a choice, where the sentence has that choice at all.
constexpr std::uint32_t alternatives(choice c) noexcept {
  constexpr std::array<std::uint32_t, choice_count> counts{2, 2, 3, 2, 3, 4, 6, 5};
  return counts[index(c)];
}

inline constexpr std::uint8_t frame_object = 0;  // she smiled at the ball
inline constexpr std::uint8_t frame_place = 1;   // she danced around the tree

/// One sentence as its choices. A choice that the sentence lacks is 0 (see `canonical`).
struct sentence {
  std::array<bool, attribute_count> shown{};
  std::array<std::uint8_t, choice_count> picked{};

  constexpr bool shows(attribute a) const noexcept { return shown[index(a)]; }
  constexpr std::uint8_t pick(choice c) const noexcept { return picked[index(c)]; }
  bool operator==(const sentence&) const = default;
};

/// True if the sentence has this choice: a terse one has no ending, a certain one no hedge.
constexpr bool has(const sentence& s, choice c) noexcept {
  switch (c) {
    case choice::hedge: return s.shows(attribute::hedged);
    case choice::size:
    case choice::colour:
    case choice::ending: return s.shows(attribute::verbose);
    default: return true;
  }
}

/// The sentence with the choices that it lacks set to 0, so that equal texts compare equal.
constexpr sentence canonical(sentence s) noexcept {
  for (const choice c : choices) {
    if (!has(s, c)) {
      s.picked[index(c)] = 0;
    }
  }
  return s;
}

inline constexpr std::uint32_t kind_count = 3;  // child, rabbit, bear
inline constexpr std::uint32_t name_count = 8;  // the first four are girls' names

/// Who the story is about. The name decides between she and he, also for animals.
struct protagonist {
  std::uint8_t kind = 0;
  std::uint8_t name = 0;

  constexpr bool is_she() const noexcept { return name < name_count / 2; }
  bool operator==(const protagonist&) const = default;
};

inline constexpr std::size_t least_sentences = 6;
inline constexpr std::size_t most_sentences = 10;

/// A story as its choices: exactly what the tokens say, no more and no less.
struct story {
  protagonist hero{};
  std::vector<sentence> sentences{};
  bool operator==(const story&) const = default;
};

inline constexpr std::size_t opener_length = 12;     ///< tokens, without begin-of-story
inline constexpr std::size_t longest_sentence = 19;  ///< tokens, with the full stop
inline constexpr std::size_t longest_story = 2 + opener_length + most_sentences * longest_sentence;

namespace detail {

constexpr token at(token first, std::uint32_t offset) noexcept { return first + static_cast<token>(offset); }

inline constexpr std::array<std::array<token, 4>, 5> endings{{{id("all"), id("day"), id("long"), -1},
                                                              {id("again"), id("and"), id("again"), -1},
                                                              {id("once"), id("more"), -1, -1},
                                                              {id("for"), id("hours"), -1, -1},
                                                              {id("with"), id("all"), id("my"), id("heart")}}};

}  // namespace detail

/// The tokens of the opener's words, full stop included.
/// @shape returns [opener_length]
inline std::vector<token> opener_tokens(protagonist hero) {
  const std::uint32_t kind = hero.kind == 0 ? (hero.is_she() ? 0U : 1U) : hero.kind + 1U;
  return {id("once"),
          id("upon"),
          id("a"),
          id("time"),
          id("there"),
          id("was"),
          id("a"),
          id("little"),
          detail::at(id("girl"), kind),
          id("named"),
          detail::at(id("lily"), hero.name),
          full_stop};
}

/// The tokens of one sentence, full stop included.
/// @shape returns [6..longest_sentence]
inline std::vector<token> sentence_tokens(const sentence& s, protagonist hero) {
  const bool speech = s.shows(attribute::dialogue);
  const bool place = s.pick(choice::frame) == frame_place;
  const std::uint32_t sad = s.shows(attribute::mood) ? 0 : 1;
  const token whose = speech ? id("my") : hero.is_she() ? id("her") : id("his");

  std::vector<token> out;
  out.reserve(longest_sentence);
  if (s.shows(attribute::hedged)) {
    out.push_back(detail::at(id("maybe"), s.pick(choice::hedge)));
    if (out.back() == id("it")) {
      out.push_back(id("seems"));
    }
  }
  const bool by_name = s.pick(choice::subject) == 1;
  out.push_back(by_name ? detail::at(id("lily"), hero.name) : hero.is_she() ? id("she") : id("he"));
  if (speech) {
    out.insert(out.end(), {id("said"), id(","), id("\""), id("i")});
  }
  out.push_back(detail::at(place ? id("skipped") : id("smiled"), s.pick(choice::verb) + 2 * sad));
  out.push_back(detail::at(place ? id("around") : id("at"), sad));
  out.push_back(id("the"));
  if (s.shows(attribute::verbose)) {
    out.push_back(detail::at(id("big"), s.pick(choice::size)));
    out.push_back(detail::at(id("red"), s.pick(choice::colour)));
  }
  out.push_back(detail::at(place ? id("tree") : id("ball"), s.pick(choice::noun)));
  if (s.shows(attribute::verbose)) {
    for (const token t : detail::endings[s.pick(choice::ending)]) {
      if (t >= 0) {
        out.push_back(t == id("my") ? whose : t);
      }
    }
  }
  if (speech) {
    out.push_back(id("\""));
  }
  out.push_back(full_stop);
  return out;
}

/// The whole story. The model sees the first token and predicts every later one, the end included.
/// @shape returns [T], T at most longest_story
inline std::vector<token> tokens(const story& s) {
  std::vector<token> out{bos};
  const auto append = [&out](const std::vector<token>& more) { out.insert(out.end(), more.begin(), more.end()); };
  append(opener_tokens(s.hero));
  for (const sentence& each : s.sentences) {
    append(sentence_tokens(each, s.hero));
  }
  out.push_back(eos);
  return out;
}

/// What a generation starts from: begin-of-story and the opener.
inline std::vector<token> prompt(protagonist hero) {
  std::vector<token> out{bos};
  for (const token t : opener_tokens(hero)) {
    out.push_back(t);
  }
  return out;
}

/// Words that sentences use alike whether they show an attribute or not, whichever of the four it is:
/// the function words and the full stop. Activations are pooled over these, since a pool over all
/// words mixes in which words occur, and steers poorly. ("her" and "i" fail: speech decides them.)
constexpr bool is_function_word(token t) noexcept {
  return t == full_stop || t == id("the") || t == id("she") || t == id("he");
}

}  // namespace storybox
