// llama_steer/chat.hpp: a conversation whose dose can be changed at any time.
#pragma once

#include <cstddef>
#include <cstdio>
#include <functional>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "llama_steer/answers.hpp"
#include "llama_steer/subject.hpp"
#include "terminal.hpp"

namespace llama_steer {

struct chat_options {
  model_options model;
  vector_options vector;
  dose_options dose;
  float strength = 0.0F;
  std::size_t tokens = 400;
};

/// A conversation in one sequence. What was said before is read again when the dose changes: a cache remembers the dose
/// under which it was filled.
class conversation {
 public:
  conversation(llama_model* model, const chat_options& options, steer::steering_vector v)
      : options_(options), vector_(std::move(v)), host_(make_host(model, options.model, 1, 4096)) {
    set_strength(options.strength);
  }

  /// Takes effect with the next word.
  /// @throws steer::numeric_error if it is not finite
  void set_strength(float strength) {
    plan_ = options_.dose.plan(vector_, strength, host_.shape());
    host_.steer(plan_);
    strength_ = strength;
  }
  [[nodiscard]] float strength() const noexcept { return strength_; }

  void forget() { turns_.clear(); }

  /// Answers a question, and hands on each piece of text as it comes.
  std::string answer(const std::string& question, const std::function<void(const std::string&)>& said) {
    turns_.push_back({"user", question});
    const std::string text = speak(said);
    turns_.push_back({"assistant", text});
    return text;
  }

  /// The same question without steering and with it, the conversation going on with the steered answer.
  std::pair<std::string, std::string> answer_twice(const std::string& question) {
    turns_.push_back({"user", question});
    host_.clear_hook();
    const std::string plain = speak({});
    host_.steer(plan_);
    const std::string steered = speak({});
    turns_.push_back({"assistant", steered});
    return {plain, steered};
  }

 private:
  std::string speak(const std::function<void(const std::string&)>& said) {
    const token_list prompt = steer::chat_tokens(host_.model(), turns_);
    const llama_vocab* vocabulary = llama_model_get_vocab(&host_.model());
    host_.prompt(0, prompt);
    std::string text;
    steer::token_batch batch;
    for (std::size_t i = 0; i < options_.tokens; ++i) {
      const std::int32_t next = most_likely(host_.logits(-1));
      if (llama_vocab_is_eog(vocabulary, next)) {
        break;
      }
      const std::string piece = steer::text_of(host_.model(), next);
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
  steer::steering_vector vector_;
  steer::llama_cpp_host host_;
  steer::plan plan_;
  float strength_ = 0.0F;
  std::vector<steer::chat_message> turns_;
};

inline constexpr const char* chat_help =
    "/strength X   the dose from the next word on      /side   answer without and with steering, side by side\n"
    "/new          a new conversation                  /quit   the end\n";

/// Reads questions and commands, a line each, until the input ends.
inline void chat(conversation& talk, std::istream& in, const example::terminal& out) {
  std::fputs(out.paint(chat_help, example::colour::dim).c_str(), stdout);
  bool side = false;
  const auto prompt = [&] {
    std::printf("%s ", out.paint(steer::detail::text(talk.strength(), side ? " side" : "", " >"), example::colour::bold).c_str());
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
        const auto [plain, steered] = talk.answer_twice(line);
        const std::vector<example::column> columns{{"unsteered", {{plain}}},
                                                   {steer::detail::text("at ", talk.strength()), {{steered}}}};
        std::fputs(example::side_by_side(columns, out).c_str(), stdout);
      } else {
        talk.answer(line, [](const std::string& piece) {
          std::fputs(piece.c_str(), stdout);
          std::fflush(stdout);
        });
        std::puts("");
      }
    } catch (const steer::error& problem) {
      std::printf("%s\n", problem.what());
    }
  }
}

}  // namespace llama_steer
