// transformer/text_model.hpp: a model with its tokenizer, the host that the library knows.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "steer/core/host.hpp"
#include "transformer/generate.hpp"
#include "transformer/tokenizer.hpp"

namespace reference {

/// Text to tokens, with what begins a text included, and back.
template <class Tokenizer>
concept text_codec = requires(const Tokenizer& codec, std::string_view text, std::span<const std::int32_t> tokens) {
  { codec.encode(text) } -> std::convertible_to<token_list>;
  { codec.decode(tokens) } -> std::convertible_to<std::string>;
  { codec.vocabulary() } -> std::convertible_to<int>;
  { *std::begin(codec.stops()) } -> std::convertible_to<std::int32_t>;
};
static_assert(text_codec<tokenizer>);

/// Owns a decoder and a tokenizer; shares the model. For one thread; threads make one each.
///
/// @throws steer::shape_error if the tokenizer's vocabulary is not the model's; what `decoder` throws
template <text_codec Tokenizer = tokenizer>
class text_model {
 public:
  explicit text_model(std::shared_ptr<const model> source, Tokenizer codec, decoder_options options = {})
      : decoder_(std::move(source), options), codec_(std::move(codec)) {
    if (codec_.vocabulary() != decoder_.source().sizes().vocabulary) {
      throw steer::shape_error(steer::text({"text_model: the tokenizer has ", codec_.vocabulary(), " tokens, model \"",
                                            shape().name, "\" has ", decoder_.source().sizes().vocabulary}));
    }
  }

  [[nodiscard]] const steer::model_shape& shape() const noexcept { return decoder_.shape(); }
  [[nodiscard]] const Tokenizer& codec() const noexcept { return codec_; }
  [[nodiscard]] reference::decoder& decoder() noexcept { return decoder_; }
  [[nodiscard]] token_list tokenize(std::string_view text) const { return codec_.encode(text); }

  /// Runs tokens as one new sequence, all of them prompt.
  /// @throws what `decoder::prompt` throws
  void evaluate(std::span<const std::int32_t> tokens, steer::hook_ref<float> hook) { decoder_.evaluate(tokens, hook); }

  /// The logits of many texts, each run as `evaluate` does.
  /// @throws what `decoder::logits` throws
  void logits(std::span<const token_list> texts, steer::hook_ref<float> hook, const steer::logits_sink& sink) {
    decoder_.logits(texts, hook, sink);
  }

  /// Log-probability of every token as the one that follows.
  /// @shape  returns [V]
  /// @throws what `decoder::prompt` throws
  template <class Hook = steer::no_hook>
    requires steer::hook<std::remove_reference_t<Hook>, float>
  [[nodiscard]] Eigen::VectorXf log_probabilities(std::span<const std::int32_t> tokens, Hook&& hook = Hook{}) {
    return log_softmax(next_logits(tokens, hook), 0);
  }

  /// Log-probability that the prompt goes on with these tokens; the continuation's rows are of phase generation.
  /// @throws what `decoder::prompt` and `decoder::decode` throw; steer::argument_error if a token does not exist
  /// @cost   one pass over both
  template <class Hook = steer::no_hook>
    requires steer::hook<std::remove_reference_t<Hook>, float>
  [[nodiscard]] double log_probability(std::span<const std::int32_t> prompt, std::span<const std::int32_t> continuation,
                                       Hook&& hook = Hook{}) {
    std::vector<row> batch;
    for (const std::int32_t token : continuation) {
      batch.push_back({token, 0, steer::phase::generation, static_cast<std::int32_t>(prompt.size()), output::logits});
    }
    double sum = 0.0;
    const Eigen::VectorXf first = log_softmax(next_logits(prompt, hook), 0);
    const logits_view rest = decoder_.decode(batch, hook);  // [continuation, V]; checks its tokens
    for (std::size_t t = 0; t < continuation.size(); ++t) {
      sum += static_cast<double>(t == 0 ? first[continuation[0]]
                                        : log_softmax(rest, static_cast<extent>(t) - 1)[continuation[t]]);
    }
    return sum;
  }

  /// What follows the text, greedily.
  /// @throws steer::argument_error if the options ask for sampling: that takes an engine; what `generate` throws
  template <class Hook = steer::no_hook>
    requires steer::hook<std::remove_reference_t<Hook>, float>
  [[nodiscard]] std::string generate(std::string_view text, Hook&& hook = Hook{}, const generation_options& options = {}) {
    if (options.sample.temperature != 0.0F) {
      throw steer::argument_error(steer::text({"text_model: temperature is ", options.sample.temperature,
                                               ", expected 0 where no random engine is passed"}));
    }
    std::mt19937_64 unused;
    return generate(text, hook, options, unused);
  }

  /// What follows the text. The tokenizer's stops hold besides those of the options.
  /// @throws what `generate` throws
  template <class Hook, std::uniform_random_bit_generator Engine>
    requires steer::hook<std::remove_reference_t<Hook>, float>
  [[nodiscard]] std::string generate(std::string_view text, Hook&& hook, const generation_options& options,
                                     Engine& engine) {
    const std::string one(text);
    return std::move(generate(std::span(&one, 1), hook, options, engine).front());
  }

  /// The same for many texts, as many at a time as the decoder has sequences.
  template <class Hook, std::uniform_random_bit_generator Engine>
    requires steer::hook<std::remove_reference_t<Hook>, float>
  [[nodiscard]] std::vector<std::string> generate(std::span<const std::string> texts, Hook&& hook,
                                                  generation_options options, Engine& engine) {
    options.stops.insert(options.stops.end(), std::begin(codec_.stops()), std::end(codec_.stops()));
    std::vector<token_list> prompts;
    for (const std::string& text : texts) {
      prompts.push_back(codec_.encode(text));
    }
    std::vector<std::string> results;
    const std::span<const token_list> all = prompts;
    while (results.size() < all.size()) {
      const std::size_t count =
          std::min(all.size() - results.size(), static_cast<std::size_t>(decoder_.sequences()));
      for (const token_list& tokens :
           reference::generate(decoder_, all.subspan(results.size(), count), options, engine, hook)) {
        results.push_back(codec_.decode(tokens));
      }
    }
    return results;
  }

 private:
  static Eigen::VectorXf log_softmax(const logits_view& logits, extent row) {
    const Eigen::ArrayXf x = logits.row(row).transpose();  // [V]
    const float most = x.maxCoeff();
    return x - most - std::log((x - most).exp().sum());
  }

  template <class Hook>
  logits_view next_logits(std::span<const std::int32_t> tokens, Hook& hook) {
    decoder_.clear(0);
    return decoder_.prompt(0, tokens, hook);
  }

  reference::decoder decoder_;
  Tokenizer codec_;
};
static_assert(steer::text_host<text_model<>> && steer::logits_host<text_model<>>);

}  // namespace reference
