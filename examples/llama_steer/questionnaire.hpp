// llama_steer/questionnaire.hpp: prompts, what the unsteered model answers to them, and what a plan makes of the answers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "llama_steer/answers.hpp"
#include "llama_steer/measures.hpp"
#include "llama_steer/subject.hpp"

namespace llama_steer {

/// What answers are like, in the mean.
struct answer_summary {
  double words = 0.0;
  double distinct_2 = 0.0;
  double drift = 0.0;  ///< KL to the unsteered next-token distribution, nats
  double tokens = 0.0;
  std::size_t cut = 0;  ///< answers that reached the limit
};

/// The longest stretch of an answer along which KL is measured.
inline constexpr std::size_t drift_tokens = 128;

class questionnaire {
 public:
  using progress = std::function<void(std::size_t step)>;

  /// Answers the prompts without steering.
  /// @param prompts  at least one
  /// @param tokens   the longest answer
  questionnaire(llama_model* model, const model_options& how, const std::vector<std::string>& prompts, std::size_t tokens,
                const progress& seen = {})
      : prompts_(tokens_of_all(*model, how, prompts)),
        tokens_(tokens),
        unsteered_(make_host(model, how, prompts.size(), longest(prompts_) + tokens + 1)),
        steered_(make_host(model, how, prompts.size(), longest(prompts_) + tokens + 1)),
        plain_(answer_all(unsteered_, prompts_, tokens, seen)) {}

  [[nodiscard]] answer_summary unsteered() const { return summary_of(plain_); }

  /// Answers them while something acts.
  answer_summary under(steering& what, const progress& seen = {}) {
    act(steered_, what);
    answer_summary out = summary_of(answer_all(steered_, prompts_, tokens_, seen));
    out.drift = drift(unsteered_, steered_, prompts_, plain_, drift_tokens);
    steered_.clear_hook();
    return out;
  }

 private:
  static std::vector<token_list> tokens_of_all(const llama_model& model, const model_options& how,
                                               const std::vector<std::string>& prompts) {
    std::vector<token_list> out;
    for (const std::string& prompt : prompts) {
      out.push_back(tokens_of(model, prompt, how));
    }
    return out;
  }

  [[nodiscard]] answer_summary summary_of(const std::vector<answer>& answers) const {
    answer_summary out;
    const double share = 1.0 / static_cast<double>(answers.size());
    for (const answer& a : answers) {
      const auto text = words(without_thoughts(a.text));
      out.words += share * static_cast<double>(text.size());
      out.distinct_2 += share * distinct_2(text);
      out.tokens += share * static_cast<double>(a.tokens.size());
      out.cut += a.tokens.size() >= tokens_ ? 1 : 0;
    }
    return out;
  }

  std::vector<token_list> prompts_;
  std::size_t tokens_;
  steer::llama_cpp_host unsteered_;
  steer::llama_cpp_host steered_;
  std::vector<answer> plain_;
};

}  // namespace llama_steer
