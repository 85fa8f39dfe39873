// llama_steer/answers.hpp: greedy answers to several prompts at once, steered by whatever acts on the host.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
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

#include "llama_steer/measures.hpp"
#include "llama_steer/sampling.hpp"
#include "steer/adapter/llama_cpp.hpp"

namespace llama_steer {

using token_list = std::vector<std::int32_t>;

/// Tokens of the longest text.
inline std::size_t longest(std::span<const token_list> texts) {
  std::size_t out = 0;
  for (const token_list& text : texts) {
    out = std::max(out, text.size());
  }
  return out;
}

struct answer {
  token_list tokens;  // without the one that ended it
  std::optional<std::int32_t> end;  // that one; nothing if the answer reached the limit
  std::string text;   // with the mark of a thought that the prompt has begun
};

/// What a token looks like. Of special tokens only those are seen that stand around thoughts.
inline std::string piece_of(const llama_model& model, std::int32_t token) {
  std::string out = steer::text_of(model, token);
  if (out.empty()) {
    const std::string_view name = llama_vocab_get_text(llama_model_get_vocab(&model), token);
    out = is_in_a_mark(name) ? name : std::string_view();
  }
  return out;
}

/// The mark of a thought that a prompt begins at its end, for the model to go on.
inline std::string thought_begun_by(const llama_model& model, std::span<const std::int32_t> prompt) {
  constexpr std::size_t enough = 12;  // tokens of any mark, and of white space after it
  std::string end;
  for (const std::int32_t token : prompt.last(std::min(enough, prompt.size()))) {
    end += piece_of(model, token);
  }
  return std::string(thought_begun_by(end));
}

inline std::int32_t most_likely(std::span<const float> logits) {
  return static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

/// The next token of the answer to prompt i.
using chooser = std::function<std::int32_t(std::size_t i, std::span<const float> logits)>;

/// Chooses as the model's probabilities say, at a temperature, among the fewest tokens that have this share of them. The same seed gives
/// the same answers, whatever other prompts there are.
inline chooser sampler(std::size_t prompts, double temperature, double share, std::uint64_t seed) {
  auto engines = std::make_shared<std::vector<std::mt19937_64>>();
  for (std::size_t i = 0; i < prompts; ++i) {
    engines->emplace_back(seed + i);
  }
  return [=](std::size_t i, std::span<const float> logits) { return sample(logits, temperature, share, (*engines)[i]); };
}

/// One answer to each prompt, sequence i for prompt i: the most likely one, or as it is chosen.
///
/// @param seen  called after each step with the share of the tokens that are written
inline std::vector<answer> answer_all(
    steer::llama_cpp_host& host, std::span<const token_list> prompts, std::size_t most_tokens,
    const std::function<void(std::size_t step)>& seen = {},
    const chooser& choose = [](std::size_t, std::span<const float> logits) { return most_likely(logits); }) {
  const llama_vocab* vocabulary = llama_model_get_vocab(&host.model());
  std::vector<answer> out(prompts.size());
  std::vector<std::int32_t> next(prompts.size());
  std::vector<std::size_t> writing;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    host.prompt(static_cast<llama_seq_id>(i), prompts[i]);
    out[i].text = thought_begun_by(host.model(), prompts[i]);
    next[i] = choose(i, host.logits(-1));
    writing.push_back(i);
  }
  steer::token_batch batch;
  for (std::size_t step = 0; step < most_tokens; ++step) {
    std::erase_if(writing, [&](std::size_t i) {
      const bool ended = llama_vocab_is_eog(vocabulary, next[i]);
      out[i].end = ended ? std::optional(next[i]) : std::nullopt;
      return ended;
    });
    if (writing.empty()) {
      break;
    }
    batch.clear();
    for (const std::size_t i : writing) {
      out[i].tokens.push_back(next[i]);
      out[i].text += piece_of(host.model(), next[i]);
      batch.add(next[i], static_cast<llama_pos>(prompts[i].size() + step), static_cast<llama_seq_id>(i),
                steer::token_batch::output::logits);
    }
    host.decode(batch.view());
    for (std::size_t row = 0; row < writing.size(); ++row) {
      next[writing[row]] = choose(writing[row], host.logits(static_cast<std::int32_t>(row)));
    }
    if (seen) {
      seen(step);
    }
  }
  return out;
}

/// Mean KL of the steered next-token distributions from the unsteered ones, along answers that were given without steering:
/// both hosts read the same tokens.
/// @return nats per token
inline double drift(steer::llama_cpp_host& unsteered, steer::llama_cpp_host& steered, std::span<const token_list> prompts,
                    std::span<const answer> answers, std::size_t most_tokens) {
  using output = steer::token_batch::output;
  double sum = 0.0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const auto sequence = static_cast<llama_seq_id>(i);
    const auto& tokens = answers[i].tokens;
    const std::size_t length = std::min(most_tokens, tokens.size());
    for (auto* host : {&unsteered, &steered}) {
      host->prompt(sequence, prompts[i]);
    }
    sum += divergence(unsteered.logits(-1), steered.logits(-1));
    ++count;
    constexpr std::size_t chunk = 32;  // rows of logits in memory
    steer::token_batch batch;
    for (std::size_t from = 0; from < length; from += chunk) {
      batch.clear();
      for (std::size_t j = from; j < std::min(from + chunk, length); ++j) {
        batch.add(tokens[j], static_cast<llama_pos>(prompts[i].size() + j), sequence, output::logits);
      }
      unsteered.decode(batch.view());
      steered.decode(batch.view());
      for (std::size_t row = 0; row < batch.size(); ++row) {
        sum += divergence(unsteered.logits(static_cast<std::int32_t>(row)), steered.logits(static_cast<std::int32_t>(row)));
        ++count;
      }
    }
  }
  return sum / static_cast<double>(count);
}

}  // namespace llama_steer
