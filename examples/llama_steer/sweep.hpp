// llama_steer/sweep.hpp: what each strength does to the answers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "llama_steer/answers.hpp"
#include "llama_steer/measures.hpp"
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

/// One strength, averaged over the answers.
struct sweep_row {
  float strength = 0.0F;
  double words = 0.0;
  double distinct_2 = 0.0;
  double drift = 0.0;  ///< KL to the unsteered next-token distribution, nats
  double tokens = 0.0;
  std::size_t cut = 0;  ///< answers that reached the limit
};

/// The longest stretch of an answer along which KL is measured.
inline constexpr std::size_t drift_tokens = 128;

inline std::vector<sweep_row> sweep(llama_model* model, const sweep_options& options, const steer::steering_vector& v) {
  std::vector<token_list> prompts;
  std::size_t longest = 0;
  for (const std::string& line : read_lines(options.prompts)) {
    prompts.push_back(tokens_of(*model, line, options.model));
    longest = std::max(longest, prompts.back().size());
  }
  const std::size_t room = longest + options.tokens + 1;
  steer::llama_cpp_host unsteered = make_host(model, options.model, prompts.size(), room);
  steer::llama_cpp_host host = make_host(model, options.model, prompts.size(), room);
  std::vector<steer::plan> plans;
  for (const float strength : options.strengths) {
    plans.push_back(options.dose.plan(v, strength, host.shape()));  // all that can be wrong is found before anything runs
  }
  example::progress_bar progress("answering");
  const auto rounds = static_cast<double>(plans.size() + 1);
  double round = 0.0;
  const auto seen = [&](std::size_t step) {
    progress((round + static_cast<double>(step) / static_cast<double>(options.tokens)) / rounds);
  };
  const std::vector<answer> plain = answer_all(unsteered, prompts, options.tokens, seen);
  std::vector<sweep_row> out;
  for (std::size_t s = 0; s < plans.size(); ++s) {
    round += 1.0;
    host.steer(plans[s]);
    const std::vector<answer> answers = answer_all(host, prompts, options.tokens, seen);
    sweep_row row{.strength = options.strengths[s]};
    for (const answer& a : answers) {
      const auto text = words(a.text);
      const double share = 1.0 / static_cast<double>(answers.size());
      row.words += share * static_cast<double>(text.size());
      row.distinct_2 += share * distinct_2(text);
      row.tokens += share * static_cast<double>(a.tokens.size());
      row.cut += a.tokens.size() >= options.tokens ? 1 : 0;
    }
    row.drift = drift(unsteered, host, prompts, plain, drift_tokens);
    out.push_back(row);
  }
  return out;
}

inline void print(const std::vector<sweep_row>& rows, std::size_t answers, const example::terminal& out) {
  std::puts(out.paint("strength    words  distinct-2       KL   tokens", example::colour::bold).c_str());
  for (const sweep_row& row : rows) {
    std::printf("%+8.3f %8.1f %11.2f %8.4f %8.1f%s\n", static_cast<double>(row.strength), row.words, row.distinct_2, row.drift,
                row.tokens, row.cut > 0 ? (" (" + std::to_string(row.cut) + " of " + std::to_string(answers) + " cut)").c_str() : "");
  }
}

/// @throws steer::file_error if the file cannot be written
inline void write_csv(const std::filesystem::path& path, const std::string& layers, const std::vector<sweep_row>& rows) {
  std::ofstream out(path);
  out << "layers,strength,words,distinct2,kl,tokens\n";
  for (const sweep_row& row : rows) {
    out << layers << ',' << row.strength << ',' << row.words << ',' << row.distinct_2 << ',' << row.drift << ',' << row.tokens << '\n';
  }
  out.flush();
  if (!out) {
    throw steer::file_error(steer::detail::text("file ", path.string(), " cannot be written"));
  }
}

}  // namespace llama_steer
