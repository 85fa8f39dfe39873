// llama_steer/chat.hpp: a conversation whose dose can be changed at any time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "llama_steer/answers.hpp"
#include "llama_steer/interruption.hpp"
#include "llama_steer/measures.hpp"
#include "llama_steer/subject.hpp"
#include "terminal.hpp"

namespace llama_steer {

struct chat_options {
  model_options model;
  vector_options vector;
  dose_options dose;
  float strength = 0.0F;
  std::size_t tokens = 400;
  std::size_t context = 4096;  ///< tokens that a conversation may have
};

/// A conversation in one sequence. What was said before is read again when the dose changes: a cache remembers the dose
/// under which it was filled. Whatever fails leaves it as it was.
class conversation {
 public:
  using listener = std::function<void(const std::string&)>;
  using stop = std::function<bool()>;

  conversation(llama_model* model, const chat_options& options, acting_parts parts)
      : options_(options), parts_(std::move(parts)), host_(make_host(model, options.model, 1, options.context)) {
    set_strength(options.strength);
  }

  /// Takes effect with the next word.
  /// @throws steer::numeric_error if it is not finite
  void set_strength(float strength) {
    auto next = std::make_unique<steering>(options_.dose.of(parts_, strength, host_, 1));
    act(host_, *next);
    dose_ = std::move(next);
    strength_ = strength;
  }
  [[nodiscard]] float strength() const noexcept { return strength_; }

  void forget() { turns_.clear(); }

  /// Answers a question, and hands on each piece of text as it comes.
  /// @param stopped  asked before each piece; an answer that is stopped ends there, and one that has not begun was never asked for
  /// @throws steer::host_error if the context is full
  std::string answer(const std::string& asked, const listener& said, const stop& stopped = {}) {
    std::vector<steer::chat_message> turns = turns_after(asked);
    const std::string text = speak(turns, said, stopped);
    keep(std::move(turns), text);
    return text;
  }

  /// The same question without steering and with it, the conversation going on with the steered answer.
  std::pair<std::string, std::string> answer_twice(const std::string& asked, const stop& stopped = {}) {
    std::vector<steer::chat_message> turns = turns_after(asked);
    host_.clear_hook();
    std::string plain;
    try {
      plain = speak(turns, {}, stopped);
    } catch (...) {
      act(host_, *dose_);
      throw;
    }
    act(host_, *dose_);
    const std::string steered = stopped && stopped() ? std::string() : speak(turns, {}, stopped);
    keep(std::move(turns), steered);
    return {plain, steered};
  }

 private:
  [[nodiscard]] std::vector<steer::chat_message> turns_after(const std::string& asked) const {
    std::vector<steer::chat_message> out = turns_;
    out.push_back({"user", asked});
    return out;
  }

  /// What was thought is not said again: templates leave it out, and so do the models' makers.
  void keep(std::vector<steer::chat_message> turns, const std::string& text) {
    if (std::string said = without_thoughts(text); !said.empty()) {
      turns.push_back({"assistant", std::move(said)});
      turns_ = std::move(turns);
    }
  }

  /// What was said so far in the model's template, or as a text that goes on, a line for each turn.
  [[nodiscard]] token_list prompt_of(const std::vector<steer::chat_message>& turns) const {
    if (options_.model.chat_template) {
      return steer::chat_tokens(host_.model(), turns, options_.model.pattern);
    }
    std::string text;
    for (const steer::chat_message& turn : turns) {
      text += turn.content + "\n";
    }
    return steer::tokenize(host_.model(), text, special_tokens_of(options_.model));
  }

  std::string speak(const std::vector<steer::chat_message>& turns, const listener& said, const stop& stopped) {
    const token_list prompt = prompt_of(turns);
    const llama_vocab* vocabulary = llama_model_get_vocab(&host_.model());
    host_.prompt(0, prompt);
    std::string text = thought_begun_by(host_.model(), prompt);
    steer::token_batch batch;
    for (std::size_t i = 0; i < options_.tokens && !(stopped && stopped()); ++i) {
      const std::int32_t next = most_likely(host_.logits(-1));
      if (llama_vocab_is_eog(vocabulary, next)) {
        break;
      }
      const std::string piece = piece_of(host_.model(), next);
      text += piece;
      if (said) {
        said(piece);
      }
      batch.clear();
      batch.add(next, static_cast<llama_pos>(prompt.size() + i), 0, steer::token_batch::output::logits);
      host_.decode(batch.view());
    }
    return text;
  }

  chat_options options_;
  acting_parts parts_;
  steer::llama_cpp_host host_;
  std::unique_ptr<steering> dose_;  // where it is, for the host
  float strength_ = 0.0F;
  std::vector<steer::chat_message> turns_;
};

inline constexpr const char* chat_help =
    "/strength X   the dose from the next word on      /side   answer without and with steering, side by side\n"
    "/new          a new conversation                  /quit   the end\n"
    "Ctrl-C ends an answer; where none is being written, the program\n";

/// Reads questions and commands, a line each, until the input ends. An interrupt ends the answer that is being written.
inline void chat(conversation& talk, std::istream& in, const example::terminal& out) {
  std::fputs(out.paint(chat_help, example::colour::dim).c_str(), stdout);
  bool side = false;
  const auto prompt = [&] {
    std::printf("%s ",
                out.paint(steer::text({talk.strength(), side ? " side" : "", " >"}), example::colour::bold).c_str());
    std::fflush(stdout);
  };
  prompt();
  for (std::string line; std::getline(in, line); prompt()) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    if (command.empty()) {
      continue;
    }
    if (command == "/quit") {
      return;
    }
    bool within_a_line = false;
    try {
      if (command == "/strength") {
        if (float strength = 0.0F; words >> strength && (words >> std::ws).eof()) {
          talk.set_strength(strength);
        } else {
          std::puts("/strength takes a number, such as /strength 0.02");
        }
      } else if (command == "/side") {
        side = !side;
      } else if (command == "/new") {
        talk.forget();
      } else if (command[0] == '/') {
        std::printf("%s is no command\n%s", command.c_str(), chat_help);
      } else if (side) {
        const interruption noted;
        const auto [plain, steered] = talk.answer_twice(line, &interruption::came);
        const std::vector<example::column> columns{{"unsteered", {{plain}}},
                                                   {steer::text({"at ", talk.strength()}), {{steered}}}};
        std::fputs(example::side_by_side(columns, out).c_str(), stdout);
      } else {
        const interruption noted;
        within_a_line = true;
        talk.answer(line,
                    [](const std::string& piece) {
                      std::fputs(piece.c_str(), stdout);
                      std::fflush(stdout);
                    },
                    &interruption::came);
        std::puts("");
      }
    } catch (const steer::error& problem) {
      std::printf("%s%s\n", within_a_line ? "\n" : "", problem.what());
    }
  }
}

}  // namespace llama_steer
