// llama_steer/sweep.hpp: what each strength does to the answers.
#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "llama_steer/questionnaire.hpp"
#include "llama_steer/subject.hpp"
#include "terminal.hpp"

namespace llama_steer {

struct sweep_options {
  model_options model;
  vector_options vector;
  dose_options dose;
  std::filesystem::path prompts = std::filesystem::path(STEER_LLAMA_STEER_DATA) / "prompts.txt";
  std::vector<float> strengths{0.0F, 0.01F, 0.02F, 0.03F, 0.04F};
  std::size_t tokens = 400;
  std::filesystem::path csv;
};

struct sweep_row {
  float strength = 0.0F;
  answer_summary answers;
};

inline std::vector<sweep_row> sweep(llama_model* model, const sweep_options& options, const acting_parts& parts) {
  example::progress_bar progress("answering");
  const auto rounds = static_cast<double>(options.strengths.size() + 1);
  double round = 0.0;
  const auto seen = [&](std::size_t step) {
    progress((round + static_cast<double>(step) / static_cast<double>(options.tokens)) / rounds);
  };
  const std::vector<std::string> prompts = read_lines(options.prompts, options.model.lines);
  std::vector<steering> doses;
  const steer::llama_cpp_host host = make_host(model, options.model, 1, 1);
  for (const float strength : options.strengths) {
    doses.push_back(options.dose.of(parts, strength, host, prompts.size()));  // all that can be wrong is found before anything runs
  }
  questionnaire questions(model, options.model, prompts, options.tokens, seen);
  std::vector<sweep_row> out;
  for (std::size_t s = 0; s < doses.size(); ++s) {
    round += 1.0;
    out.push_back({options.strengths[s], questions.under(doses[s], seen)});
  }
  return out;
}

inline void print(const std::vector<sweep_row>& rows, std::size_t answers, const example::terminal& out) {
  std::puts(out.paint("strength    words  distinct-2       KL   tokens", example::colour::bold).c_str());
  for (const sweep_row& row : rows) {
    std::printf("%+8.3f %8.1f %11.2f %8.4f %8.1f%s\n", static_cast<double>(row.strength), row.answers.words, row.answers.distinct_2,
                row.answers.drift, row.answers.tokens,
                row.answers.cut > 0 ? (" (" + std::to_string(row.answers.cut) + " of " + std::to_string(answers) + " cut)").c_str() : "");
  }
}

/// @throws steer::file_error if the file cannot be written
inline void write_csv(const std::vector<sweep_row>& rows, const std::string& layers, std::ostream& out) {
  out << "layers,strength,words,distinct2,kl,tokens\n";
  for (const sweep_row& row : rows) {
    out << layers << ',' << row.strength << ',' << row.answers.words << ',' << row.answers.distinct_2 << ',' << row.answers.drift << ','
        << row.answers.tokens << '\n';
  }
}

}  // namespace llama_steer
