// steer_story/subject.hpp: what is steered and who judges it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "steer/extract/token_selection.hpp"
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

/// Whether a sentence shows a concept.
enum class verdict : std::uint8_t { neutral, shown, opposite, broken };

/// A model, the concepts to steer, and a judge of what it writes.
struct subject {
  std::shared_ptr<const reference::model> model;
  std::vector<contrast> concepts;
  steer::token_selection tokens;          ///< over which the contrast texts are pooled
  reference::generation_options options;  ///< how texts are generated
  std::string soundness;                  ///< the name of what `tally::sound` counts

  std::function<token_list(std::string_view)> encode;
  std::function<std::string(std::span<const std::int32_t>)> decode;
  std::function<token_list(std::mt19937_64&)> prompt;                     ///< a beginning for a text
  std::function<tally(const token_list& prompt, const token_list& continuation)> judge;
  std::function<verdict(std::size_t index, std::string_view)> highlight;  ///< of concept `index` in one sentence
};

}  // namespace steer_story
