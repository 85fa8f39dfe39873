// steer/measure/readout.hpp: how much of a concept a model's output shows, in nats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "steer/core/host.hpp"
#include "steer/core/linkage.hpp"
#include "steer/measure/token_text.hpp"

namespace steer {
inline namespace v0 {

/// What one text says of a concept: two numbers whose totals over the texts `pooling` makes into one.
struct readout_sample {
  double first = 0.0;
  double second = 0.0;
};

/// What the totals of the readings are made into.
enum class pooling : std::uint8_t {
  mean,       ///< Σ first / Σ second: first is a sum of log-odds, second how many
  log_ratio,  ///< log(Σ first / Σ second): probabilities of showing the concept and of its opposite
};

/// One concept as the model's output shows it. Any callable on a text and its logits will do:
///
///     steer::readout polite{.name = "polite", .texts = prompts, .read = [](auto text, auto logits) { ... }};
///
/// What it must do is to measure the concept *alone*: a readout that moves for another reason spoils every dose made with it.
struct readout {
  std::string name = {};
  std::vector<token_text> texts = {};
  /// @shape text [T], logits [T, V]
  std::function<readout_sample(std::span<const std::int32_t> text, logits_view logits)> read = {};
  steer::pooling pooling = steer::pooling::mean;
  /// Texts 2i and 2i + 1 are one sample, the positive text's reading less the negative's.
  enum class sample : std::uint8_t { text, pair } sample = sample::text;
  std::vector<std::string> warnings = {};  ///< what speaks against it before anything is measured
};

/// Whether the model is asked after this token of a text, that is, about the next.
using position_predicate = std::function<bool(std::span<const std::int32_t> text, std::size_t position)>;

/// Two sets of tokens, either of which shows the concept or its opposite, and where in the texts the choice is made. A token
/// that a set names twice counts once.
struct token_sets {
  std::string name = {};
  std::vector<std::int32_t> positive = {};
  std::vector<std::int32_t> negative = {};
  position_predicate positions = {};  ///< empty: every one
};

/// The log-odds of one set of tokens against another, where a text decides between them.
///
///     mean:       mean over positions of  log Σ p(positive) - log Σ p(negative)
///     log_ratio:  log of the sum over positions of Σ p(positive), less the same of the negative ones: where many positions
///                 decide, or none for sure, what counting words in generated texts measures
///
/// @throws argument_error if there are no texts, one is empty, a token is negative, a set is empty or both share a token, or no
///         position is chosen in any text; while it reads, for a token that the model does not have
/// @cost   per chosen position the size of the sets; `log_ratio` the vocabulary
STEER_API readout token_set_readout(token_sets sets, std::vector<token_text> texts, pooling how = pooling::mean);

/// log p(positive text) - log p(negative text), mean over held-out contrast pairs. A beginning that both share counts nothing.
///
/// Pairs that differ in more than the concept make it move for other reasons; `warnings` says where lengths differ or
/// the texts share few tokens.
///
/// @throws argument_error if there are no pairs, a text has less than two tokens, a token is negative, or both texts of a pair
///         are the same; while it reads, for a token that the model does not have
/// @cost   per token the vocabulary
STEER_API readout pair_readout(std::string name, const std::vector<std::pair<token_text, token_text>>& pairs);

/// @throws argument_error if it has no name, texts or function, a text is empty or has a negative token, or there is an odd text
///         where pairs are samples
STEER_API void check(const readout& r);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/measure/readout.ipp"
#endif
