// storybox/parse.hpp: from tokens back to choices; the oracle's half that knows the grammar.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "storybox/grammar.hpp"

namespace storybox::detail {

/// Reads words from left to right; the grammar never needs to look back.
class word_cursor {
 public:
  explicit word_cursor(std::span<const token> words) : rest_{words} {}

  bool done() const noexcept { return rest_.empty(); }

  bool accept(token t) noexcept { return accept_range(t, 1).has_value(); }

  /// Which of `count` consecutive tokens comes next; moves only if one of them does.
  std::optional<std::uint8_t> accept_range(token first, token count) noexcept {
    if (rest_.empty() || rest_.front() < first || rest_.front() >= first + count) {
      return std::nullopt;
    }
    const auto offset = static_cast<std::uint8_t>(rest_.front() - first);
    rest_ = rest_.subspan(1);
    return offset;
  }

 private:
  std::span<const token> rest_;
};

/// As `accept_range`, stored as a choice.
inline bool pick(sentence& s, choice c, std::optional<std::uint8_t> offset) noexcept {
  s.picked[index(c)] = offset.value_or(0);
  return offset.has_value();
}

inline bool parse_predicate(word_cursor& in, sentence& s) noexcept {
  auto verb = in.accept_range(id("smiled"), 4);
  const bool place = !verb;
  if (place) {
    verb = in.accept_range(id("skipped"), 4);
  }
  if (!verb) {
    return false;
  }
  const bool happy = *verb < 2;
  s.shown[index(attribute::mood)] = happy;
  s.picked[index(choice::verb)] = *verb % 2;
  s.picked[index(choice::frame)] = place ? frame_place : frame_object;
  return in.accept(place ? (happy ? id("around") : id("behind")) : (happy ? id("at") : id("over")));
}

inline bool parse_ending(word_cursor& in, sentence& s) noexcept {
  for (std::size_t e = 0; e < endings.size(); ++e) {
    if (!in.accept(endings[e][0])) {
      continue;
    }
    for (std::size_t i = 1; i < endings[e].size() && endings[e][i] >= 0; ++i) {
      const bool possessive = endings[e][i] == id("my");
      if (!(possessive && in.accept_range(id("her"), 2)) && !in.accept(endings[e][i])) {
        return false;
      }
    }
    s.picked[index(choice::ending)] = static_cast<std::uint8_t>(e);
    return true;
  }
  return false;
}

inline bool parse_phrase(word_cursor& in, sentence& s) noexcept {
  if (!in.accept(id("the"))) {
    return false;
  }
  if (const auto size = in.accept_range(id("big"), 3)) {
    s.shown[index(attribute::verbose)] = true;
    s.picked[index(choice::size)] = *size;
    if (!pick(s, choice::colour, in.accept_range(id("red"), 4))) {
      return false;
    }
  }
  const bool object = s.pick(choice::frame) == frame_object;
  if (!pick(s, choice::noun, in.accept_range(object ? id("ball") : id("tree"), 6))) {
    return false;
  }
  return !s.shows(attribute::verbose) || parse_ending(in, s);
}

/// The choices of a sentence, whoever it names; empty if it is not one.
inline std::optional<sentence> parse_sentence(std::span<const token> words) noexcept {
  word_cursor in{words};
  sentence s;
  if (const auto hedge = in.accept_range(id("maybe"), 3)) {
    s.shown[index(attribute::hedged)] = true;
    s.picked[index(choice::hedge)] = *hedge;
    if (*hedge == 2 && !in.accept(id("seems"))) {
      return std::nullopt;
    }
  }
  if (!in.accept_range(id("she"), 2)) {
    if (!in.accept_range(id("lily"), name_count)) {
      return std::nullopt;
    }
    s.picked[index(choice::subject)] = 1;
  }
  const bool speech = in.accept(id("said"));
  s.shown[index(attribute::dialogue)] = speech;
  if (speech && !(in.accept(id(",")) && in.accept(id("\"")) && in.accept(id("i")))) {
    return std::nullopt;
  }
  const bool read = parse_predicate(in, s) && parse_phrase(in, s) && (!speech || in.accept(id("\""))) &&
                    in.accept(full_stop) && in.done();
  return read ? std::optional{s} : std::nullopt;
}

/// True if the grammar writes this sentence in exactly these words for this protagonist.
inline bool writes(const sentence& s, protagonist hero, std::span<const token> words) {
  const std::vector<token> expected = sentence_tokens(s, hero);
  return std::equal(expected.begin(), expected.end(), words.begin(), words.end());
}

inline std::optional<protagonist> parse_opener(std::span<const token> words) {
  for (std::uint8_t kind = 0; kind < kind_count; ++kind) {
    for (std::uint8_t name = 0; name < name_count; ++name) {
      const std::vector<token> expected = opener_tokens({kind, name});
      if (std::equal(expected.begin(), expected.end(), words.begin(), words.end())) {
        return protagonist{kind, name};
      }
    }
  }
  return std::nullopt;
}

}  // namespace storybox::detail
