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
  bool chat_template = true;  ///< whether texts are turns of a user, in the model's own template
};

/// Where the vector comes from: a file, or contrast texts that are read now.
struct vector_options {
  std::filesystem::path file;
  unsaid said;  ///< what the file leaves open
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

/// A text as the model is to read it.
inline token_list tokens_of(const llama_model& model, const std::string& text, const model_options& options) {
  if (!options.chat_template) {
    return steer::tokenize(model, text, steer::special_tokens::as_text);
  }
  const std::vector<steer::chat_message> turns{{"user", text}};
  return steer::chat_tokens(model, turns);
}

/// Finds the direction from the negative to the positive texts at the named layers, all of them if none is named.
/// @param tokens  which of a text's tokens are averaged, as `parse_selection`
inline steer::steering_vector extract(llama_model* model, const model_options& how, const contrast_texts& texts,
                                      const steer::vector_name& name, const std::string& tokens,
                                      const std::vector<int>& layers) {
  std::vector<token_list> positive;
  std::vector<token_list> negative;
  for (std::size_t i = 0; i < texts.positive.size(); ++i) {
    positive.push_back(tokens_of(*model, texts.positive[i], how));
    negative.push_back(tokens_of(*model, texts.negative[i], how));
  }
  steer::llama_cpp_host host = make_host(model, how, 1, std::max(longest(positive), longest(negative)));
  steer::recorder recorder(host.shape(), {.tokens = parse_selection(tokens), .layers = layers});
  example::progress_bar progress("reading contrast pairs");
  for (std::size_t i = 0; i < positive.size(); ++i) {
    recorder.record(host, std::span<const std::int32_t>(positive[i]), std::span<const std::int32_t>(negative[i]));
    progress(static_cast<double>(i + 1) / static_cast<double>(positive.size()));
  }
  return steer::mean_difference(recorder, name);
}

/// The same from the texts that the options name.
inline steer::steering_vector extract(llama_model* model, const model_options& how, const vector_options& from,
                                      const std::vector<int>& layers) {
  if (from.pairs.empty()) {
    return extract(model, how, read_pairs(from.positive, from.negative),
                   {from.name, from.positive.filename().string() + " - " + from.negative.filename().string()}, from.tokens, layers);
  }
  return extract(model, how, read_json_pairs(from.pairs, from.name), {from.name, from.pairs.filename().string()}, from.tokens,
                 layers);
}

/// The vector that the options name.
/// @throws steer::argument_error if a file's edits are not additions of one vector
inline steer::steering_vector vector_of(llama_model* model, const model_options& how, const vector_options& from,
                                        const std::vector<int>& layers) {
  if (from.file.empty()) {
    return extract(model, how, from, layers);
  }
  const content read = read_content(from.file, from.said);
  if (const auto* v = std::get_if<steer::steering_vector>(&read.held)) {
    return *v;
  }
  throw steer::argument_error(steer::text({"file ", from.file.string(), " is a ", describe(read.kind),
                                           " with a dose of its own; a strength here needs a bare vector"}));
}

/// A dose of a vector.
struct dose_options {
  std::string layers;  ///< empty: every layer of the vector
  std::string unit = "of_norm";
  float cap = steer::add_options{}.cap;

  [[nodiscard]] steer::plan plan(const steer::steering_vector& v, float strength, const steer::model_shape& shape) const {
    steer::recipe recipe;
    recipe.add(v, {.strength = strength, .unit = parse_unit(unit), .cap = cap}, {.layers = parse_layers(layers)});
    return {recipe, shape};
  }
};

}  // namespace llama_steer
