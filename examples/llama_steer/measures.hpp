// llama_steer/measures.hpp: what an answer is like, and how far a model has moved.
#pragma once

#include <algorithm>
#include <array>
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

/// What stands around a thought.
struct thought_marks {
  std::string_view begin;
  std::string_view end;
};

/// Of the models that think aloud: Qwen and DeepSeek, Magistral, gpt-oss, Seed-OSS, Kimi, and habit.
inline constexpr std::array<thought_marks, 7> all_thought_marks{{{"<think>", "</think>"},
                                                                 {"[THINK]", "[/THINK]"},
                                                                 {"<|channel|>analysis<|message|>", "<|channel|>final<|message|>"},
                                                                 {"<seed:think>", "</seed:think>"},
                                                                 {"\u25C1think\u25B7", "\u25C1/think\u25B7"},
                                                                 {"<thinking>", "</thinking>"},
                                                                 {"<reasoning>", "</reasoning>"}}};

/// Whether this is a part of one of these marks, as a token may be.
inline bool is_in_a_mark(std::string_view part) {
  return !part.empty() && std::any_of(all_thought_marks.begin(), all_thought_marks.end(), [part](const thought_marks& each) {
    return each.begin.find(part) != std::string_view::npos || each.end.find(part) != std::string_view::npos;
  });
}

/// The mark with which a text begins a thought at its end, as some templates do for the model; empty if it does not.
inline std::string_view thought_begun_by(std::string_view text) {
  text = text.substr(0, text.find_last_not_of(" \n") + 1);
  for (const thought_marks& each : all_thought_marks) {
    if (text.ends_with(each.begin)) {
      return each.begin;
    }
  }
  return {};
}

/// What an answer says, without what a thinking model has thought: between the marks, or to the end if it was cut off there. An end without
/// a beginning ends a thought that began before the answer.
inline std::string without_thoughts(std::string_view text) {
  const auto first_of = [&](std::string_view thought_marks::* mark) {
    const thought_marks* out = nullptr;
    std::size_t at = std::string_view::npos;
    for (const thought_marks& each : all_thought_marks) {
      if (const std::size_t here = text.find(each.*mark); here < at) {
        at = here;
        out = &each;
      }
    }
    return std::pair(out, at);
  };
  const auto [ended, end] = first_of(&thought_marks::end);
  const auto [begun, begin] = first_of(&thought_marks::begin);
  if (ended == nullptr && begun == nullptr) {
    return std::string(text);
  }
  std::string out;
  const thought_marks* in = end < begin ? ended : nullptr;
  while (!text.empty()) {
    if (in != nullptr) {
      const std::size_t at = text.find(in->end);
      text.remove_prefix(at == std::string_view::npos ? text.size() : at + in->end.size());
      in = nullptr;
    } else {
      const auto [next, at] = first_of(&thought_marks::begin);
      out += text.substr(0, at);
      text.remove_prefix(next == nullptr ? text.size() : at + next->begin.size());
      in = next;
    }
  }
  out.erase(0, std::min(out.find_first_not_of(" \n"), out.size()));
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
