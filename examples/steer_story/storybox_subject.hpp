// steer_story/storybox_subject.hpp: the embedded model, judged by the oracle.
#pragma once

#include <algorithm>
#include <filesystem>
#include <random>
#include <string_view>

#include "steer_story/subject.hpp"
#include "storybox/generator.hpp"
#include "storybox/model.hpp"
#include "storybox/oracle.hpp"
#include "storybox/readouts.hpp"

namespace steer_story {
namespace detail {

inline contrast storybox_contrast(storybox::attribute which, int pairs, std::mt19937_64& engine) {
  contrast out{std::string(storybox::name(which)), "", {}};
  out.description = "stories that are " + out.name + " in every sentence, against the same ones in none";
  for (int i = 0; i < pairs; ++i) {
    const auto [with, without] = storybox::contrast(engine, which);
    out.pairs.emplace_back(storybox::tokens(with), storybox::tokens(without));
  }
  return out;
}

inline tally storybox_tally(const token_list& prompt, token_list continuation, int max_tokens) {
  if (static_cast<int>(continuation.size()) < max_tokens) {
    continuation.push_back(storybox::eos);  // what ended the text is not part of it
  }
  continuation.insert(continuation.begin(), prompt.begin(), prompt.end());
  const storybox::reading reading = storybox::read(std::span<const storybox::token>(continuation));
  const auto grammatical = static_cast<double>(reading.grammatical_count());
  const auto all = static_cast<double>(reading.sentences.size());
  tally out{{}, {grammatical, all}, all};
  for (const storybox::attribute a : storybox::attributes) {
    out.concepts.push_back({static_cast<double>(reading.count(a)), grammatical});
  }
  return out;
}

/// What the readouts of the rates find in the logits that stories were drawn from.
inline std::vector<steer::readings> storybox_readings(std::span<const text> written) {
  std::vector<token_list> stories;
  std::size_t first = storybox::opener_length;  // from where on every story has logits
  for (const text& t : written) {
    stories.push_back(t.whole());
    first = std::max(first, t.prompt.size() - 1);
  }
  std::vector<steer::readout> rates;
  std::vector<steer::readings> out;
  for (const storybox::attribute a : storybox::attributes) {
    rates.push_back(storybox::rate_readout(a, stories, first));
    out.push_back({.pooling = rates.back().pooling});
  }
  reference::matrix logits;  // [T, V]
  for (std::size_t n = 0; n < stories.size(); ++n) {
    const auto drawn = static_cast<Eigen::Index>(written[n].continuation.size());
    logits.setZero(static_cast<Eigen::Index>(stories[n].size()), static_cast<Eigen::Index>(storybox::vocabulary_size));
    logits.middleRows(static_cast<Eigen::Index>(written[n].prompt.size()) - 1, drawn) =
        Eigen::Map<const reference::matrix>(written[n].logits.data(), drawn, logits.cols());
    for (std::size_t i = 0; i < rates.size(); ++i) {
      out[i].samples.push_back(rates[i].read(stories[n], {logits.data(), logits.rows(), logits.cols()}));
    }
  }
  return out;
}

inline verdict storybox_verdict(storybox::attribute which, std::string_view sentence) {
  const storybox::reading reading = storybox::read(sentence);
  if (reading.hero) {  // the opener
    return verdict::neutral;
  }
  if (reading.sentences.empty() || !reading.sentences.front().grammatical()) {
    return verdict::broken;
  }
  return reading.sentences.front().content.shows(which) ? verdict::shown : verdict::opposite;
}

}  // namespace detail

/// @throws what storybox::load_model throws
inline subject storybox_subject(const std::filesystem::path& weights, int pairs, std::uint64_t seed) {
  subject out;
  out.model = storybox::load_model(weights);
  std::mt19937_64 engine{seed};
  for (const storybox::attribute a : storybox::attributes) {
    out.concepts.push_back(detail::storybox_contrast(a, pairs, engine));
  }
  out.tokens = steer::tokens_where{storybox::is_function_word, "function words and full stops"};
  out.options = {.max_tokens = static_cast<int>(storybox::longest_story),
                 .sample = {.temperature = 1.0F},
                 .stops = {storybox::eos}};
  out.soundness = "grammatical";
  out.encode = storybox::to_tokens;
  out.decode = storybox::to_text;
  out.prompt = [](std::mt19937_64& random) { return storybox::prompt(storybox::generate(random).hero); };
  out.judge = [most = out.options.max_tokens](const token_list& prompt, const token_list& continuation) {
    return detail::storybox_tally(prompt, continuation, most);
  };
  out.highlight = [](std::size_t index, std::string_view sentence) {
    return detail::storybox_verdict(storybox::attributes[index], sentence);
  };
  out.read = detail::storybox_readings;
  out.fixed_readouts = [](std::uint64_t start) {
    constexpr int stories = 128;
    std::mt19937_64 random(start);
    std::vector<token_list> texts;
    for (int n = 0; n < stories; ++n) {
      texts.push_back(storybox::tokens(storybox::generate(random)));
    }
    std::vector<steer::readout> readouts;
    for (const storybox::attribute a : storybox::attributes) {
      readouts.push_back(steer::token_set_readout(storybox::decision(a), texts));
    }
    return readouts;
  };
  for (std::size_t i = 0; i < storybox::attribute_count; ++i) {
    out.fields.push_back(concept_number(i));
  }
  out.sentence_ends = {storybox::full_stop};
  out.goal = 0.915;  // .90 with some room for the difference between the texts that are calibrated on and judged
  return out;
}

}  // namespace steer_story
