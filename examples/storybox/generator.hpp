// storybox/generator.hpp: random stories and contrast pairs, from an engine that the caller passes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>

#include "storybox/grammar.hpp"

namespace storybox {

/// A uniform draw from 0..n-1, the same on every platform (the std:: distributions are not).
///
/// @param engine  any uniform random bit generator with at least 2^16 values
/// @param n       number of alternatives, 1 or more
/// @throws std::invalid_argument if n is 0 or exceeds the engine's number of values
/// @cost   fewer than two engine calls on average
template <std::uniform_random_bit_generator Engine>
std::uint32_t draw(Engine& engine, std::uint32_t n) {
  constexpr std::uint64_t last = static_cast<std::uint64_t>(Engine::max()) - Engine::min();
  static_assert(last >= 0xFFFFU, "the engine gives too few values per call");
  if (n == 0 || n - 1 > last) {
    throw std::invalid_argument("storybox: cannot draw from " + std::to_string(n) + " alternatives");
  }
  const std::uint64_t excess = (last % n + 1) % n;  // values that would favour the first alternatives
  for (;;) {
    const std::uint64_t value = static_cast<std::uint64_t>(engine()) - Engine::min();
    if (value <= last - excess) {
      return static_cast<std::uint32_t>(value % n);
    }
  }
}

/// A uniform draw from [0, 1) in steps of 2^-32.
template <std::uniform_random_bit_generator Engine>
double draw_unit(Engine& engine) {
  const double high = draw(engine, 0x10000U);
  const double low = draw(engine, 0x10000U);
  return (high * 65536.0 + low) / 4294967296.0;
}

/// Per attribute the probability that a sentence shows it; an empty entry is drawn from U[0, 1].
using propensities = std::array<std::optional<double>, attribute_count>;

namespace detail {

inline void check(const propensities& fixed) {
  for (const attribute a : attributes) {
    const auto& p = fixed[index(a)];
    if (p && !(*p >= 0.0 && *p <= 1.0)) {
      throw std::invalid_argument("storybox: propensity of " + std::string(name(a)) + " is " + std::to_string(*p) +
                                  ", expected 0 to 1");
    }
  }
}

/// A story with every choice drawn, also those that its sentences lack, so that a flipped attribute
/// finds its choices ready.
template <std::uniform_random_bit_generator Engine>
story overcomplete(Engine& engine, const propensities& fixed) {
  check(fixed);
  story result;
  result.hero.kind = static_cast<std::uint8_t>(draw(engine, kind_count));
  result.hero.name = static_cast<std::uint8_t>(draw(engine, name_count));
  constexpr auto lengths = static_cast<std::uint32_t>(most_sentences - least_sentences + 1);
  result.sentences.resize(least_sentences + draw(engine, lengths));
  std::array<double, attribute_count> p{};
  for (const attribute a : attributes) {
    const double drawn = draw_unit(engine);
    p[index(a)] = fixed[index(a)].value_or(drawn);
  }
  for (sentence& s : result.sentences) {
    for (const attribute a : attributes) {
      s.shown[index(a)] = draw_unit(engine) < p[index(a)];
    }
    for (const choice c : choices) {
      s.picked[index(c)] = static_cast<std::uint8_t>(draw(engine, alternatives(c)));
    }
  }
  return result;
}

inline story canonical(story s) {
  for (sentence& each : s.sentences) {
    each = storybox::canonical(each);
  }
  return s;
}

}  // namespace detail

/// A random story: protagonist, length and choices uniform; each sentence shows attribute a with the
/// story's propensity p_a, independently of everything else.
///
/// @param fixed  propensities that are given rather than drawn, each 0 to 1
/// @throws std::invalid_argument if a given propensity is outside 0..1
template <std::uniform_random_bit_generator Engine>
story generate(Engine& engine, const propensities& fixed = {}) {
  return detail::canonical(detail::overcomplete(engine, fixed));
}

/// Two stories that differ in one attribute: the first shows it in every sentence, the second in none.
/// Protagonist, length, the other attributes and every choice that both sentences have are the same.
template <std::uniform_random_bit_generator Engine>
std::pair<story, story> contrast(Engine& engine, attribute a) {
  story with = detail::overcomplete(engine, {});
  story without = with;
  for (sentence& s : with.sentences) {
    s.shown[index(a)] = true;
  }
  for (sentence& s : without.sentences) {
    s.shown[index(a)] = false;
  }
  return {detail::canonical(std::move(with)), detail::canonical(std::move(without))};
}

}  // namespace storybox
