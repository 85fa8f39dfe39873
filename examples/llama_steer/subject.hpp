// llama_steer/subject.hpp: the model, the steering vector and the layers that a command names.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "llama_steer/answers.hpp"
#include "llama_steer/load_model.hpp"
#include "llama_steer/pairs.hpp"
#include "llama_steer/parse.hpp"
#include "llama_steer/vector_file.hpp"
#include "steer/adapter/llama_cpp.hpp"
#include "steer/extract/mean_difference.hpp"
#include "steer/extract/recorder.hpp"
#include "terminal.hpp"

namespace llama_steer {

struct model_options {
  std::filesystem::path model;
  int threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  bool chat_template = true;  ///< whether texts are turns of a user, in a template
  std::string pattern = {};   ///< that template, or its name in llama.cpp; empty: the model's own
  bool parse_special = false;  ///< without a template: whether <|im_end|> and its like are tokens. In a template they are
  line_options lines = {};
};

/// Where the vector comes from: files, whose vectors act together, or contrast texts that are read now.
struct vector_options {
  std::vector<scaled_file> files;
  unsaid said;  ///< what the files leave open
  std::filesystem::path positive = std::filesystem::path(STEER_LLAMA_STEER_DATA) / "succinct.txt";
  std::filesystem::path negative = std::filesystem::path(STEER_LLAMA_STEER_DATA) / "verbose.txt";
  std::filesystem::path pairs;  ///< a JSON file instead of the two
  std::string name = "terse";
  std::string tokens = "last";
};

/// A context with room for so many sequences of so many tokens each.
inline steer::llama_cpp_host make_host(llama_model* model, const model_options& options, std::size_t sequences,
                                       std::size_t tokens) {
  llama_context_params parameters = llama_context_default_params();
  parameters.n_seq_max = static_cast<std::uint32_t>(sequences);
  parameters.n_ctx = static_cast<std::uint32_t>(sequences * ((tokens + 255) / 256 * 256));
  parameters.n_batch = 512;
  parameters.n_ubatch = 512;
  parameters.n_threads = options.threads;
  parameters.n_threads_batch = options.threads;
  return steer::llama_cpp_host(model, parameters);
}

inline steer::special_tokens special_tokens_of(const model_options& options) {
  return options.parse_special ? steer::special_tokens::as_tokens : steer::special_tokens::as_text;
}

/// A text as the model is to read it.
inline token_list tokens_of(const llama_model& model, const std::string& text, const model_options& options) {
  if (!options.chat_template) {
    return steer::tokenize(model, text, special_tokens_of(options));
  }
  const std::vector<steer::chat_message> turns{{"user", text}};
  return steer::chat_tokens(model, turns, options.pattern);
}

/// Finds the direction from the negative to the positive texts at the named layers, all of them if none is named.
/// @param tokens  which of a text's tokens are averaged, as `parse_selection`
inline steer::steering_vector extract(llama_model* model, const model_options& how, const contrast_texts& texts,
                                      const steer::vector_name& name, const std::string& tokens,
                                      const std::vector<int>& layers) {
  std::vector<token_list> positive;
  std::vector<token_list> negative;
  for (const std::string& text : texts.positive) {
    positive.push_back(tokens_of(*model, text, how));
  }
  for (const std::string& text : texts.negative) {
    negative.push_back(tokens_of(*model, text, how));
  }
  steer::llama_cpp_host host = make_host(model, how, 1, std::max(longest(positive), longest(negative)));
  steer::recorder recorder(host.shape(), {.tokens = parse_selection(tokens), .layers = layers});
  example::progress_bar progress("reading contrast texts");
  if (texts.are_pairs()) {
    for (std::size_t i = 0; i < positive.size(); ++i) {
      recorder.record(host, std::span<const std::int32_t>(positive[i]), std::span<const std::int32_t>(negative[i]));
      progress(static_cast<double>(i + 1) / static_cast<double>(positive.size()));
    }
  } else {
    std::size_t done = 0;
    for (const auto& [side, which] : {std::pair{&positive, steer::side::positive}, {&negative, steer::side::negative}}) {
      for (const token_list& text : *side) {
        recorder.record(host, std::span<const std::int32_t>(text), which);
        progress(static_cast<double>(++done) / static_cast<double>(positive.size() + negative.size()));
      }
    }
  }
  return steer::mean_difference(recorder, name);
}

/// The same from the texts that the options name.
inline steer::steering_vector extract(llama_model* model, const model_options& how, const vector_options& from,
                                      const std::vector<int>& layers) {
  if (from.pairs.empty()) {
    return extract(model, how, read_sides(from.positive, from.negative, how.lines),
                   {from.name, from.positive.filename().string() + " - " + from.negative.filename().string()}, from.tokens, layers);
  }
  return extract(model, how, read_json_pairs(from.pairs, from.name), {from.name, from.pairs.filename().string()}, from.tokens,
                 layers);
}

/// A vector, and how much of it a strength of 1 is.
struct scaled_vector {
  steer::steering_vector vector;
  float scale = 1.0F;
};

/// The vectors of the files that the options name.
/// @throws steer::argument_error if a file's edits are not additions of one vector, or something is said that is of no use to any
inline std::vector<scaled_vector> vectors_of(const vector_options& from) {
  std::vector<std::pair<std::filesystem::path, file_kind>> kinds;
  for (const scaled_file& file : from.files) {
    kinds.emplace_back(file.path, detect(file.path, from.said));
  }
  require_use(kinds, from.said);
  std::vector<scaled_vector> out;
  for (const scaled_file& file : from.files) {
    const content read = read_content(file.path, from.said);
    for (const std::string& note : read.notes) {
      std::fprintf(stderr, "llama_steer: file %s: %s\n", file.path.c_str(), note.c_str());
    }
    const auto* v = std::get_if<steer::steering_vector>(&read.held);
    if (v == nullptr) {
      throw steer::argument_error(steer::text({"file ", file.path.string(), " is a ", describe(read.kind),
                                               " with a dose of its own; a strength here needs a bare vector"}));
    }
    out.push_back({*v, file.scale});
  }
  return out;
}

/// A dose of vectors.
struct dose_options {
  std::string layers;  ///< empty: every layer of the vector
  std::string unit = "of_norm";
  float cap = steer::add_options{}.cap;
  bool any_model = false;  ///< vectors of a sibling of the model are taken, too

  [[nodiscard]] steer::plan plan(const std::vector<scaled_vector>& vectors, float strength, const steer::model_shape& shape) const {
    steer::recipe recipe;
    for (const auto& [vector, scale] : vectors) {
      recipe.add(vector, {.strength = strength * scale, .unit = parse_unit(unit), .cap = cap}, {.layers = parse_layers(layers)});
    }
    return {recipe, shape, {.models = any_model ? steer::model_check::any : steer::model_check::same_fingerprint}};
  }
};

}  // namespace llama_steer
