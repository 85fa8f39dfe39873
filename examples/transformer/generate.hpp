// transformer/generate.hpp: continues prompts, many at a time.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <random>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "transformer/decoder.hpp"
#include "transformer/sampler.hpp"

namespace reference {

using token_list = std::vector<std::int32_t>;

struct generation_options {
  int max_tokens = 64;      ///< per sequence
  sampling sample = {};     ///< greedy unless told otherwise
  token_list stops = {};    ///< each ends its sequence and is not part of the result
  /// Tokens that end a sentence. Where there are some, the random numbers of a draw depend on the sentence's number, the token
  /// before and how often that one has come in the sentence, not on how many draws there were: two hooks that make a text
  /// differ in one place then draw alike after it, and a difference of their texts is the hooks'.
  token_list sentence_ends = {};
};

/// Sees tokens as they come, observer(sequence, token), or with the logits that each was drawn from as a third; this one
/// looks away.
struct no_observer {
  constexpr void operator()(std::int32_t, std::int32_t) const noexcept {}
};

namespace detail {

/// The random bits of one draw.
struct one_draw {
  using result_type = std::uint64_t;
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
  result_type operator()() const { return bits; }
  result_type bits = 0;
};

/// One sequence on its way: the prompt rows not yet decoded, then one row per token.
struct continuation {
  std::span<const std::int32_t> prompt;
  std::size_t decoded = 0;  // tokens of the prompt
  std::int32_t last = 0;    // the token generated last, not yet decoded
  bool finished = false;
  std::mt19937_64 engine;
  std::uint64_t seed = 0;
  std::uint64_t sentence = 0;
  std::map<std::int32_t, std::uint64_t> seen = {};  // how often a token has come in this sentence

  /// The next draw by its place in the text.
  one_draw coupled(const token_list& sentence_ends, std::int32_t before) {
    if (std::find(sentence_ends.begin(), sentence_ends.end(), before) != sentence_ends.end()) {
      ++sentence;
      seen.clear();
    }
    std::seed_seq place{seed, seed >> 32U, sentence, static_cast<std::uint64_t>(before), seen[before]++};
    std::array<std::uint32_t, 8> bits{};
    place.generate(bits.begin(), bits.end());
    return {std::uint64_t{bits[6]} << 32U | bits[7]};
  }
};

/// Fills a batch: the next token of every sequence that generates, then as much of the prompts as fits.
inline void next_batch(std::span<const continuation> sequences, std::size_t max_rows, std::vector<row>& batch) {
  batch.clear();
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    const continuation& c = sequences[s];
    if (!c.finished && c.decoded == c.prompt.size()) {
      batch.push_back({c.last, static_cast<std::int32_t>(s), steer::phase::generation,
                       static_cast<std::int32_t>(c.prompt.size()), output::logits});
    }
  }
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    const continuation& c = sequences[s];
    for (std::size_t t = c.decoded; t < c.prompt.size() && batch.size() < max_rows; ++t) {
      batch.push_back({c.prompt[t], static_cast<std::int32_t>(s), steer::phase::prompt,
                       static_cast<std::int32_t>(c.prompt.size()),
                       t + 1 == c.prompt.size() ? output::logits : output::none});
    }
  }
}

}  // namespace detail

/// Continues every prompt until a stop token, max_tokens, or a full context; what is finished leaves the batch.
///
/// Prompt n is sequence n of the decoder, which forgets what it held there. Every sequence samples with an engine of its
/// own, seeded by one number of the caller's, so its tokens depend on the prompts before it only in that number, and not
/// on what else is in the batch.
///
/// @param observer  called as observer(sequence, token) or observer(sequence, token, logits) for each new token
/// @return the new tokens of each prompt
/// @throws steer::argument_error if there are more prompts than sequences, a prompt is empty or longer than the context,
///         or a token, max_tokens or the sampling has no meaning; steer::numeric_error if logits cannot be sampled
/// @cost   per generated token no allocation; with `sentence_ends` some
template <std::uniform_random_bit_generator Engine, class Hook = steer::no_hook, class Observer = no_observer>
  requires steer::hook < std::remove_reference_t<Hook>,
float > std::vector<token_list> generate(decoder& model, std::span<const token_list> prompts,
                                         const generation_options& options, Engine& engine, Hook&& hook = Hook{},
                                         Observer&& observer = Observer{}) {
  using steer::text;
  if (prompts.size() > static_cast<std::size_t>(model.sequences())) {
    throw steer::argument_error(
        text({"generate: there are ", prompts.size(), " prompts, the decoder has ", model.sequences(), " sequences"}));
  }
  if (options.max_tokens < 0) {
    throw steer::argument_error(text({"generate: max_tokens is ", options.max_tokens, ", expected 0 or more"}));
  }
  sampler pick(options.sample);
  std::vector<token_list> results(prompts.size());
  std::vector<detail::continuation> sequences(prompts.size());
  for (std::size_t s = 0; s < prompts.size(); ++s) {
    model.clear(static_cast<int>(s));
    model.require_prompt(static_cast<int>(s), prompts[s]);
    results[s].reserve(static_cast<std::size_t>(std::min(options.max_tokens, model.context())));
    sequences[s].prompt = prompts[s];
    sequences[s].finished = options.max_tokens == 0;
    sequences[s].seed = random_bits(engine);
    sequences[s].engine.seed(sequences[s].seed);
  }
  std::vector<row> batch;
  batch.reserve(static_cast<std::size_t>(model.max_rows()));
  if (options.max_tokens == 0) {
    return results;
  }
  for (;;) {
    detail::next_batch(sequences, static_cast<std::size_t>(model.max_rows()), batch);
    if (batch.empty()) {
      return results;
    }
    const logits_view logits = model.decode(batch, hook);  // [wanted, V]
    extent wanted = 0;
    for (const row& r : batch) {
      const auto s = static_cast<std::size_t>(r.sequence);
      detail::continuation& c = sequences[s];
      c.decoded += r.phase == steer::phase::prompt ? 1U : 0U;
      if (r.want == output::none) {
        continue;
      }
      const std::span<const float> found(logits.row(wanted++).data(), static_cast<std::size_t>(logits.cols()));
      if (options.sentence_ends.empty()) {
        c.last = pick(found, c.engine);
      } else {
        detail::one_draw draw = c.coupled(options.sentence_ends, r.token);
        c.last = pick(found, draw);
      }
      if (std::find(options.stops.begin(), options.stops.end(), c.last) != options.stops.end()) {
        c.finished = true;
        continue;
      }
      results[s].push_back(c.last);
      if constexpr (std::invocable<Observer&, std::int32_t, std::int32_t, std::span<const float>>) {
        observer(r.sequence, c.last, found);
      } else {
        observer(r.sequence, c.last);
      }
      c.finished = results[s].size() == static_cast<std::size_t>(options.max_tokens) ||
                   model.length(r.sequence) == model.context();
    }
  }
}

}  // namespace reference
