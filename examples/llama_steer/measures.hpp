// llama_steer/measures.hpp: what an answer is like, and how far a model has moved.
#pragma once

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llama_steer {

/// What an answer says, without what a thinking model has thought: from "<think>" to "</think>", or to the end if it was cut off there.
/// A template may have begun the thought, so an end without a beginning ends one that began with the answer.
inline std::string without_thoughts(std::string_view text) {
  constexpr std::string_view begin = "<think>";
  constexpr std::string_view end = "</think>";
  std::string out;
  bool thinks = text.find(end) < text.find(begin);
  const bool thought = thinks || text.find(begin) != std::string_view::npos;
  while (!text.empty()) {
    const std::string_view mark = thinks ? end : begin;
    const std::size_t at = std::min(text.find(mark), text.size());
    out += thinks ? std::string_view() : text.substr(0, at);
    text.remove_prefix(std::min(at + mark.size(), text.size()));
    thinks = !thinks;
  }
  if (thought) {
    out.erase(0, std::min(out.find_first_not_of(" \n"), out.size()));
  }
  return out;
}

/// Runs of characters between white space.
inline std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!word.empty()) {
      out.push_back(std::exchange(word, {}));
    }
  }
  if (!word.empty()) {
    out.push_back(word);
  }
  return out;
}

/// Share of neighbouring words that have not stood together before (distinct-2): low where a text repeats itself, 1 where
/// it never does or has fewer than two words.
/// @source Li et al. 2016, arXiv:1510.03055
inline double distinct_2(const std::vector<std::string>& text) {
  if (text.size() < 2) {
    return 1.0;
  }
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (std::size_t i = 1; i < text.size(); ++i) {
    seen.emplace(text[i - 1], text[i]);
  }
  return static_cast<double>(seen.size()) / static_cast<double>(text.size() - 1);
}

/// KL(p || q) in nats, of the distributions that two rows of logits stand for.
/// @shape p, q [vocabulary]
inline double divergence(std::span<const float> p, std::span<const float> q) {
  const auto log_sum = [](std::span<const float> logits) {
    const double most = *std::max_element(logits.begin(), logits.end());
    double sum = 0.0;
    for (const float x : logits) {
      sum += std::exp(static_cast<double>(x) - most);
    }
    return most + std::log(sum);
  };
  const double zp = log_sum(p);
  const double zq = log_sum(q);
  double out = 0.0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double lp = static_cast<double>(p[i]) - zp;
    out += std::exp(lp) * (lp - (static_cast<double>(q[i]) - zq));
  }
  return std::max(0.0, out);
}

}  // namespace llama_steer
