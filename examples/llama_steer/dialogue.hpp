// llama_steer/dialogue.hpp: what a model is to read.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "steer/core/error.hpp"

namespace llama_steer {

struct turn {
  std::string role;  ///< system, user or assistant
  std::string content;

  bool operator==(const turn&) const = default;
};

/// A conversation. What the assistant says last is an answer that has begun, and may go on.
using dialogue = std::vector<turn>;

inline dialogue request(std::string text) { return {{"user", std::move(text)}}; }

inline bool has_answer(const dialogue& of) { return !of.empty() && of.back().role == "assistant"; }

/// Lets the answer begin with certain words.
inline void begin_answer(dialogue& of, const std::string& words) {
  if (words.empty()) {
    return;
  }
  if (!has_answer(of)) {
    of.push_back({"assistant", {}});
  }
  of.back().content.insert(0, words);
}

/// @throws steer::argument_error if it is more than a text that needs no template
inline void require_no_template(const dialogue& of) {
  if (of.size() != 1 || of.front().role != "user") {
    throw steer::argument_error(steer::text({"a conversation of ", steer::actual({of.size(), " messages"}), " cannot be read with ",
                                             "--no-template; expected ", steer::expected("a template, or a text that is a string")}));
  }
}

}  // namespace llama_steer
