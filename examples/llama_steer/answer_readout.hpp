// llama_steer/answer_readout.hpp: how much rather a model answers as if it had been asked the other way.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "llama_steer/answers.hpp"
#include "llama_steer/pairs.hpp"
#include "llama_steer/subject.hpp"
#include "steer/measure/readout.hpp"

namespace llama_steer {

/// A readout of pairs of requests by what the unsteered model itself answers to them.
///
///     log p(answer to the positive request | r) - log p(answer to the negative one | r)
///
/// r is one of the two requests, taken in turn: what makes a model doubt any answer speaks for the one side in every other
/// pair and against it in the next. Both answers are cut to as many tokens, for what moves all words alike would
/// otherwise move the longer one further. Pairs whose answers are then the same say nothing and are left out.
///
/// @param tokens  of an answer, at most
/// @throws steer::argument_error if no pair is left; as `steer::pair_readout`
inline steer::readout answer_readout(llama_model* model, const model_options& how, std::string name, const contrast_texts& pairs,
                                     std::size_t tokens) {
  const llama_vocab* vocabulary = llama_model_get_vocab(model);
  const llama_token turn_end = llama_vocab_eot(vocabulary);
  const llama_token end = turn_end >= 0 ? turn_end : llama_vocab_eos(vocabulary);
  std::vector<std::array<token_list, 2>> requests;
  std::size_t request_tokens = 0;
  for (std::size_t i = 0; i < pairs.positive.size(); ++i) {
    requests.push_back({tokens_of(*model, pairs.positive[i], how).tokens, tokens_of(*model, pairs.negative[i], how).tokens});
    request_tokens = std::max(request_tokens, longest(requests.back()));
  }
  steer::llama_cpp_host host = make_host(model, how, 2, request_tokens + tokens);
  std::vector<std::pair<token_list, token_list>> texts;
  for (const auto& both : requests) {
    std::vector<answer> answers = answer_all(host, both, tokens);
    std::size_t length = tokens;
    for (answer& a : answers) {
      if (a.tokens.size() < tokens && end >= 0) {
        a.tokens.push_back(end);  // that it ends there is what it says
      }
      length = std::min(length, a.tokens.size());
    }
    const auto after = [&](token_list text, const token_list& said) {
      text.insert(text.end(), said.begin(), said.begin() + static_cast<std::ptrdiff_t>(length));
      return text;
    };
    const token_list& request = both[texts.size() % 2];
    std::pair<token_list, token_list> read{after(request, answers[0].tokens), after(request, answers[1].tokens)};
    if (read.first != read.second) {
      texts.push_back(std::move(read));
    }
  }
  if (texts.empty()) {
    throw steer::argument_error(steer::text({"readout \"", name, "\": the answers to all ", requests.size(),
                                             " pairs begin with the same ", tokens, " tokens; read more of them"}));
  }
  return steer::pair_readout(std::move(name), texts);
}

}  // namespace llama_steer
