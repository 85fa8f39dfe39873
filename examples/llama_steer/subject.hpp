// llama_steer/subject.hpp: the model, the steering vector and the layers that a command names.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "llama_steer/answers.hpp"
#include "llama_steer/json_pairs.hpp"
#include "llama_steer/load_model.hpp"
#include "llama_steer/pairs.hpp"
#include "llama_steer/parse.hpp"
#include "llama_steer/vector_file.hpp"
#include "steer/adapter/llama_cpp.hpp"
#include "steer/extract/mean_difference.hpp"
#include "steer/extract/recorder.hpp"
#include "steer/inject/plan.hpp"
#include "steer/inject/session.hpp"
#include "steer/io/recipe_file.hpp"
#include "steer/recipe/recipe.hpp"
#include "steer/recipe/recipe_of.hpp"
#include "terminal.hpp"

namespace llama_steer {

struct model_options {
  std::filesystem::path model;
  int threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  bool chat_template = true;  ///< whether texts are turns of a user, in a template
  std::string pattern = {};   ///< that template, or its name in llama.cpp; empty: the model's own
  std::string frame = {};     ///< without a template: in which a request stands; empty: none
  bool parse_special = false;  ///< without a template: whether <|im_end|> and its like are tokens. In a template they are
  line_options lines = {};
};

/// Vectors in files.
struct file_options {
  std::vector<scaled_file> files;
  std::vector<scaled_file> recipes;  ///< which act as they are, in order, after the vectors
  unsaid said;             ///< what the files leave open
  bool any_model = false;  ///< vectors of a sibling of the model are taken, too
};

/// Where the vector comes from: files, whose vectors act together, or contrast texts that are read now.
struct vector_options : file_options {
  std::filesystem::path positive = std::filesystem::path(STEER_LLAMA_STEER_DATA) / "succinct.txt";
  std::filesystem::path negative = std::filesystem::path(STEER_LLAMA_STEER_DATA) / "verbose.txt";
  std::filesystem::path pairs;  ///< a JSON file instead of the two
  std::string name = "terse";
  std::string tokens = "last";
  std::string answer_prefix;  ///< with which every answer is made to begin
};

/// A context with room for so many sequences of so many tokens each.
/// @param adapted  with the model's file where what is found in it is to say of which weights it is
inline steer::llama_cpp_host make_host(llama_model* model, const model_options& options, std::size_t sequences,
                                       std::size_t tokens, steer::llama_cpp_options adapted = {}) {
  llama_context_params parameters = llama_context_default_params();
  parameters.n_seq_max = static_cast<std::uint32_t>(sequences);
  parameters.n_ctx = static_cast<std::uint32_t>(sequences * ((tokens + 255) / 256 * 256));
  parameters.n_batch = 512;
  parameters.n_ubatch = 512;
  parameters.n_threads = options.threads;
  parameters.n_threads_batch = options.threads;
  return steer::llama_cpp_host(model, parameters, std::move(adapted));
}

inline steer::special_tokens special_tokens_of(const model_options& options) {
  return options.parse_special ? steer::special_tokens::as_tokens : steer::special_tokens::as_text;
}

/// A conversation as the model is to read it.
struct dialogue_tokens {
  token_list tokens;
  std::int32_t answer = steer::no_answer;  ///< where it begins
};

/// @throws steer::argument_error if it is more than a text, and there is no template
inline dialogue_tokens tokens_of(const llama_model& model, const dialogue& read, const model_options& options) {
  if (!options.chat_template) {
    return {steer::tokenize(model, without_template(read, options.frame), special_tokens_of(options))};
  }
  std::vector<steer::chat_message> turns;
  for (const auto& [role, content] : read) {
    turns.push_back({role, content});
  }
  dialogue_tokens out{steer::chat_tokens(model, turns, options.pattern)};
  if (has_answer(read)) {
    out.answer = steer::answer_begin(model, turns, options.pattern);
  }
  return out;
}

/// A user's request as the model is to read it.
inline token_list tokens_of(const llama_model& model, const std::string& text, const model_options& options) {
  return tokens_of(model, request(text), options).tokens;
}

/// Finds the direction from the negative to the positive texts at the named layers, all of them if none is named. As many on both sides
/// are pairs.
/// @param tokens  which of a text's tokens are averaged, as `parse_selection`
inline steer::steering_vector extract(llama_model* model, const model_options& how, std::span<const dialogue_tokens> positive,
                                      std::span<const dialogue_tokens> negative, const steer::vector_name& name, const std::string& tokens,
                                      const std::vector<int>& layers) {
  std::size_t longest = 1;
  for (const auto& side : {positive, negative}) {
    for (const dialogue_tokens& text : side) {
      longest = std::max(longest, text.tokens.size());
    }
  }
  constexpr std::size_t at_once = steer::recorder::block;
  constexpr std::size_t rows_at_once = 512;  // as `make_host` has them
  steer::llama_cpp_host host = make_host(model, how, std::clamp<std::size_t>(rows_at_once / longest, 1, at_once), longest,
                                         {.file = how.model});
  steer::recorder recorder(host.shape(), {.tokens = parse_selection(tokens), .layers = layers});
  example::progress_bar progress("reading contrast texts");
  std::size_t done = 0;
  const auto next_of = [&](std::span<const dialogue_tokens> all, std::size_t first) {
    std::vector<steer::answered_text> out;
    for (std::size_t i = first; i < std::min(first + at_once, all.size()); ++i) {
      out.push_back({all[i].tokens, all[i].answer});
    }
    done += out.size();
    return out;
  };
  const auto show = [&] { progress(static_cast<double>(done) / static_cast<double>(positive.size() + negative.size())); };
  for (std::size_t first = 0; first < std::max(positive.size(), negative.size()); first += at_once) {
    const std::vector<steer::answered_text> plus = next_of(positive, first);
    const std::vector<steer::answered_text> minus = next_of(negative, first);
    if (positive.size() == negative.size()) {
      recorder.record(host, std::span(plus), std::span(minus));
    } else {
      recorder.record(host, std::span(plus), steer::side::positive);
      recorder.record(host, std::span(minus), steer::side::negative);
    }
    show();
  }
  return steer::mean_difference(recorder, name);
}

/// The same of texts that are not tokens yet.
inline steer::steering_vector extract(llama_model* model, const model_options& how, const contrast_texts& texts,
                                      const steer::vector_name& name, const std::string& tokens,
                                      const std::vector<int>& layers) {
  const auto read = [&](const std::vector<dialogue>& side) {
    std::vector<dialogue_tokens> out;
    for (const dialogue& text : side) {
      out.push_back(tokens_of(*model, text, how));
    }
    return out;
  };
  const std::vector<dialogue_tokens> positive = read(texts.positive);
  const std::vector<dialogue_tokens> negative = read(texts.negative);
  return extract(model, how, positive, negative, name, tokens, layers);
}

/// The texts that the options name.
/// @throws as `read_sides` and `read_json_pairs`; steer::argument_error if answers are to be read and a text has none, or there is no
///         template in which a conversation could be written
inline contrast_texts texts_of(const vector_options& from, const model_options& how) {
  contrast_texts out = from.pairs.empty() ? read_sides(from.positive, from.negative, how.lines) : read_json_pairs(from.pairs, from.name);
  begin_answers(out, from.answer_prefix);
  const bool reads_answers = std::holds_alternative<steer::answer_tokens>(parse_selection(from.tokens));
  for (const auto& [name, side] : {std::pair{"positive", &out.positive}, {"negative", &out.negative}}) {
    for (std::size_t i = 0; i < side->size(); ++i) {
      if (reads_answers && !has_answer((*side)[i])) {
        throw steer::argument_error(steer::text({"tokens \"answer\": ", name, " text ", i + 1, " has ", steer::actual("no answer"),
                                                 "; expected ", steer::expected("a last message of the assistant, or --answer-prefix")}));
      }
      if (!how.chat_template) {
        static_cast<void>(without_template((*side)[i], how.frame));
      }
    }
  }
  return out;
}

/// The same from the texts that the options name.
inline steer::steering_vector extract(llama_model* model, const model_options& how, const vector_options& from,
                                      const std::vector<int>& layers) {
  const std::string source = from.pairs.empty() ? from.positive.filename().string() + " - " + from.negative.filename().string()
                                                : from.pairs.filename().string();
  return extract(model, how, texts_of(from, how), {from.name, source}, from.tokens, layers);
}

/// A vector, and how much of it a strength of 1 is.
struct scaled_vector {
  steer::steering_vector vector;
  float scale = 1.0F;
};

/// The vectors of the files that the options name.
/// @throws steer::argument_error if a file's edits are not additions of one vector, or something is said that is of no use to any
inline std::vector<scaled_vector> vectors_of(const file_options& from) {
  std::vector<std::pair<std::filesystem::path, file_kind>> kinds;
  for (const scaled_file& file : from.files) {
    kinds.emplace_back(file.path, detect(file.path, from.said));
  }
  require_use(kinds, from.said);
  std::vector<scaled_vector> out;
  for (const scaled_file& file : from.files) {
    content read = read_content(file.path, from.said);
    for (const std::string& note : read.notes) {
      std::fprintf(stderr, "llama_steer: file %s: %s\n", file.path.c_str(), note.c_str());
    }
    auto* const v = std::get_if<steer::steering_vector>(&read.held);
    if (v == nullptr) {
      throw steer::argument_error(steer::text({"file ", file.path.string(), " is a ", describe(read.kind),
                                               " with a dose of its own; a strength here needs a bare vector"}));
    }
    if (from.any_model) {
      v->source.fingerprint.clear();
    }
    out.push_back({std::move(*v), file.scale});
  }
  return out;
}

/// A recipe, and how much of it a strength of 1 is.
struct scaled_recipe {
  steer::recipe recipe;
  float scale = 1.0F;
};

/// What acts: vectors at a dose, and recipes at theirs.
struct acting_parts {
  std::vector<scaled_vector> vectors = {};
  std::vector<scaled_recipe> recipes = {};
};

/// The recipes of the files that the options name.
/// @throws as `steer::load_recipe`; steer::argument_error for one that has no dose
inline std::vector<scaled_recipe> recipes_of(const file_options& from) {
  std::vector<scaled_recipe> out;
  for (const scaled_file& file : from.recipes) {
    steer::documented_recipe read = steer::load_recipe(file.path);
    static_cast<void>(steer::with_dose(read.recipe, 0.0F));
    if (read.fitted) {
      std::fprintf(stderr, "llama_steer: file %s: \"%s\", fitted to \"%s\" on %s\n", file.path.c_str(), read.fitted->behaviour.c_str(),
                   read.fitted->instruction.c_str(), read.fitted->model.c_str());
    }
    out.push_back({std::move(read.recipe), file.scale});
  }
  return out;
}

/// Where in a text a dose acts: between markers, from one on, or up to one.
struct marked {
  enum class kind : std::uint8_t { inside, outside, from, until };
  kind how = kind::inside;
  std::string begin;
  std::string end;  ///< of inside and outside
};

/// @throws as `steer::marker_tokens`
inline steer::passage passage_of(const llama_model& model, const marked& where) {
  const auto tokens = [&](const std::string& text) {
    steer::marker out = steer::marker_tokens(model, text);
    if (!steer::stands_alone(model, out.front())) {
      std::fprintf(stderr, "llama_steer: \"%s\" is plain text to this model: it is seen only where that is a token of its own\n",
                   text.c_str());
    }
    return out;
  };
  switch (where.how) {
    case marked::kind::inside: return steer::inside(tokens(where.begin), tokens(where.end));
    case marked::kind::outside: return steer::outside(tokens(where.begin), tokens(where.end));
    case marked::kind::from: return steer::from_token(tokens(where.begin));
    case marked::kind::until: break;
  }
  return steer::until_token(tokens(where.begin));
}

/// What a dose amounts to for one model: it can be swapped for another, and follows tokens only if it must.
using steering = std::variant<steer::plan, steer::session>;

/// From the next batch on.
inline void act(steer::llama_cpp_host& host, steering& what) {
  if (auto* plan = std::get_if<steer::plan>(&what)) {
    host.steer(*plan);
  } else {
    host.set_hook(std::get<steer::session>(what));
  }
}

/// A dose of vectors.
struct dose_options {
  std::string layers;  ///< empty: every layer of the vector
  std::string unit = "of_norm";
  float cap = steer::add_options{}.cap;
  std::vector<marked> marks = {};  ///< rows must be where all of them say

  /// @param sequences  the most that will be steered at once
  /// @throws as `passage_of` and `steer::basic_session`
  [[nodiscard]] steering of(const acting_parts& parts, float strength, const steer::llama_cpp_host& host, std::size_t sequences) const {
    steer::placement where{.layers = parse_layers(layers)};
    for (const marked& each : marks) {
      where.rows.passages.push_back(passage_of(host.model(), each));
    }
    steer::recipe recipe;
    for (const auto& [vector, scale] : parts.vectors) {
      recipe.add(vector, {.strength = strength * scale, .unit = parse_unit(unit), .cap = cap}, where);
    }
    for (const auto& [whole, scale] : parts.recipes) {
      const steer::recipe dosed = steer::with_dose(whole, strength * scale);
      for (steer::edit each : dosed.edits()) {
        each.where.rows.passages.insert(each.where.rows.passages.end(), where.rows.passages.begin(), where.rows.passages.end());
        recipe.append(std::move(each));
      }
    }
    const bool remembers = std::any_of(recipe.edits().begin(), recipe.edits().end(), [](const steer::edit& each) {
      return each.where.gate.latched() || !each.where.rows.passages.empty();
    });
    if (!remembers) {
      return steer::plan(recipe, host.shape());
    }
    return steer::session(recipe, host.shape(), {.sequences = static_cast<std::int32_t>(sequences)});
  }
};

}  // namespace llama_steer
