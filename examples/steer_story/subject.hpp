// steer_story/subject.hpp: what is steered and who judges it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "steer/extract/token_selection.hpp"
#include "steer/inject/plan.hpp"
#include "steer/measure/take_readings.hpp"
#include "steer_story/tally.hpp"
#include "transformer/generate.hpp"

namespace steer_story {

using reference::token_list;

/// A concept as texts that show it and texts that lack it.
struct contrast {
  std::string name;
  std::string description;  ///< "positive against negative"
  std::vector<std::pair<token_list, token_list>> pairs;
};

/// What a model wrote.
struct text {
  token_list prompt;
  token_list continuation;
  std::vector<float> logits = {};  ///< [continuation, V], each row the one that a token was drawn from; where they were kept

  [[nodiscard]] token_list whole() const {
    token_list out = prompt;
    out.insert(out.end(), continuation.begin(), continuation.end());
    return out;
  }
};

/// Whether a sentence shows a concept.
enum class verdict : std::uint8_t { neutral, shown, opposite, broken };

/// A model, the concepts to steer, and a judge of what it writes.
struct subject {
  std::shared_ptr<const reference::model> model;
  std::vector<contrast> concepts;
  steer::token_selection tokens;          ///< over which the contrast texts are pooled
  reference::generation_options options;  ///< how texts are generated
  std::string soundness;                  ///< the name of what `tally::sound` counts
  double least_sound = 0.0;               ///< its rate below which texts are broken, as a share of the unsteered rate

  std::function<token_list(std::string_view)> encode;
  std::function<std::string(std::span<const std::int32_t>)> decode;
  std::function<token_list(std::mt19937_64&)> prompt;                     ///< a beginning for a text
  std::function<tally(const token_list& prompt, const token_list& continuation)> judge;
  std::function<verdict(std::size_t index, std::string_view)> highlight;  ///< of concept `index` in one sentence
  /// The readout of each concept, in nats, on texts that were written with their logits kept.
  std::function<std::vector<steer::readings>(std::span<const text>)> read;
  /// Readouts on texts that are given, others for each seed; where there are some.
  std::function<std::vector<steer::readout>(std::uint64_t seed)> fixed_readouts;
  std::vector<field> fields;    ///< the rate of each concept, where stacks are judged
  token_list sentence_ends;     ///< as `generation_options::sentence_ends`, where texts under many doses are compared
  std::optional<double> goal;  ///< rate at which a concept counts as steered, as its complement does the other way
};

}  // namespace steer_story
