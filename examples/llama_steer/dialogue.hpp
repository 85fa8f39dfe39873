// llama_steer/dialogue.hpp: what a model is to read.
#pragma once

#include <string>
#include <string_view>
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

/// Where the request stands in a frame.
inline constexpr std::string_view frame_gap = "{}";

/// What is read without a template: the text as it is or in its frame, what the system says and an empty line before it.
/// @param frame  a text with `{}` where the request stands, such as "Question: {}\nAnswer:"; empty: none
/// @throws steer::argument_error if it is more than a text, or than a request and what the system says where there is a frame
inline std::string without_template(const dialogue& of, const std::string& frame) {
  const bool has_system = !of.empty() && of.front().role == "system" && !frame.empty();
  if (of.size() != (has_system ? 2U : 1U) || of.back().role != "user") {
    throw steer::argument_error(steer::text({"a conversation of ", steer::actual({of.size(), " messages"}), " cannot be read with ",
                                             "--no-template; expected ", steer::expected("a template, or a text that is a string")}));
  }
  std::string out = frame;
  if (frame.empty()) {
    out = of.back().content;
  } else {
    out.replace(out.find(frame_gap), frame_gap.size(), of.back().content);
  }
  return has_system ? of.front().content + "\n\n" + out : out;
}

}  // namespace llama_steer
