// storybox/model.hpp: the transformer that learned storybox, and the loss that it reaches.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storybox/floor.hpp"
#include "storybox/vocabulary.hpp"
#include "transformer/huggingface.hpp"
#include "transformer/text_model.hpp"

namespace storybox {

/// The closed vocabulary as a tokenizer: a word is a token.
class codec {
 public:
  /// @throws std::invalid_argument naming the first word that the vocabulary lacks
  [[nodiscard]] std::vector<token> encode(std::string_view text) const { return to_tokens(text); }
  [[nodiscard]] std::string decode(std::span<const token> tokens) const { return to_text(tokens); }
  [[nodiscard]] static constexpr int vocabulary() noexcept { return static_cast<int>(vocabulary_size); }
  [[nodiscard]] std::span<const token> stops() const noexcept { return stops_; }

 private:
  static constexpr std::array stops_{eos};
};

/// Storybox as the library's host.
using text_model = reference::text_model<codec>;
static_assert(steer::text_host<text_model>);

/// Loads what train.py wrote.
///
/// @throws steer::format_error if the file's words are not this vocabulary; what reference::load_safetensors throws
inline std::shared_ptr<const reference::model> load_model(const std::filesystem::path& path) {
  const steer::safetensors_file file(path);
  std::string expected;
  for (const std::string_view word : words()) {
    expected += expected.empty() ? "" : "\n";
    expected += word;
  }
  if (file.metadata_at("vocabulary") != expected) {
    throw steer::format_error(steer::text({"storybox: metadata \"vocabulary\" of ", path.string(),
                                           " is not the vocabulary of these headers, which has ", vocabulary_size,
                                           " words; train the model again"}));
  }
  return reference::load_safetensors(path);
}

/// What the model loses on stories, to be compared with `corpus_floor` of the same.
///
/// @units nats and predicted tokens, both totals
/// @throws what `decode` throws
/// @cost  one forward pass per story, many stories at a time
inline loss model_loss(reference::decoder& model, std::span<const story> stories) {
  loss total;
  std::vector<reference::row> batch;
  std::vector<token> targets;
  for (std::size_t next = 0; next < stories.size();) {
    batch.clear();
    targets.clear();
    for (int s = 0; s < model.sequences() && next < stories.size(); ++s) {
      const std::vector<token> text = tokens(stories[next]);
      if (batch.size() + text.size() - 1 > static_cast<std::size_t>(model.max_rows())) {
        break;
      }
      model.clear(s);
      for (std::size_t t = 0; t + 1 < text.size(); ++t) {
        batch.push_back({text[t], s, steer::phase::prompt, static_cast<token>(text.size()), reference::output::logits});
        targets.push_back(text[t + 1]);
      }
      ++next;
    }
    if (batch.empty()) {
      throw steer::argument_error(steer::text({"model_loss: a story of ", tokens(stories[next]).size(),
                                               " tokens needs as many rows, the decoder has ", model.max_rows()}));
    }
    const auto logits = model.decode(batch);  // [T, V]
    for (std::size_t t = 0; t < targets.size(); ++t) {
      const auto row = logits.row(static_cast<Eigen::Index>(t)).cast<double>().array();
      const double most = row.maxCoeff();
      total.nats += most + std::log((row - most).exp().sum()) - row[targets[t]];
    }
    total.predictions += static_cast<double>(targets.size());
  }
  return total;
}

}  // namespace storybox
