// llama_steer/fit.hpp: a recipe that does what an instruction does, and how well.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama_steer/answers.hpp"
#include "llama_steer/subject.hpp"
#include "steer/core/answered_request.hpp"
#include "steer/fit/fit_to_prompt.hpp"
#include "steer/inject/plan.hpp"
#include "steer/io/recipe_file.hpp"
#include "steer/measure/compare_with_prompt.hpp"
#include "terminal.hpp"

namespace llama_steer {

struct fit_options {
  model_options model;
  std::string instruction;
  bool as_system = false;  ///< the instruction is the system's message, not the end of the request
  std::string name = "fitted";
  std::filesystem::path requests = std::filesystem::path(STEER_LLAMA_STEER_DATA) / "requests.txt";
  std::filesystem::path prose = std::filesystem::path(STEER_LLAMA_STEER_DATA) / "prose.txt";
  std::string kind = "affine";
  std::string layers;  ///< empty: all
  int rank = 4;
  float ridge = 1.0F;
  std::size_t held_out = 20;  ///< requests that are kept for the judgement: the last ones
  std::size_t tokens = 48;    ///< of an answer, at most
  std::uint64_t seed = 1;
  std::filesystem::path out = "recipe.safetensors";
};

/// How a recipe does on requests that it was not fitted to.
struct judgement {
  std::vector<steer::prompt_comparison> requests;
  std::vector<steer::text_drift> prose;
};

/// The instruction of a behaviour that ships with the program.
/// @throws steer::argument_error if there is none of that name
inline std::string instruction_of(const std::string& behaviour) {
  std::string known;
  for (const std::string& line : read_lines(std::filesystem::path(STEER_LLAMA_STEER_DATA) / "behaviours.txt")) {
    const std::size_t colon = line.find(": ");
    if (line.substr(0, colon) == behaviour) {
      return line.substr(colon + 2);
    }
    known += (known.empty() ? "" : ", ") + line.substr(0, colon);
  }
  throw steer::argument_error(steer::text({"--behaviour \"", steer::actual(behaviour), "\": expected ", steer::expected(known)}));
}

inline steer::fit_kind parse_fit_kind(const std::string& name) {
  for (const steer::fit_kind kind : {steer::fit_kind::constant, steer::fit_kind::gated, steer::fit_kind::affine}) {
    if (to_string(kind) == name) {
      return kind;
    }
  }
  throw steer::argument_error(
      steer::text({"kind \"", steer::actual(name), "\": expected ", steer::expected("constant, gated, affine or best")}));
}

/// What is fitted, or all that is tried where the best is to be chosen.
inline std::vector<steer::layer_fit_options> candidates_of(const fit_options& o) {
  if (o.kind != "best") {
    return {{.kind = parse_fit_kind(o.kind), .rank = o.rank, .ridge = static_cast<double>(o.ridge)}};
  }
  std::vector<steer::layer_fit_options> out;
  for (const double ridge : {1.0, 0.3}) {
    out.push_back({.kind = steer::fit_kind::gated, .ridge = ridge});
    for (const int rank : {2, 4, 8}) {
      out.push_back({.kind = steer::fit_kind::affine, .rank = rank, .ridge = ridge});
    }
  }
  return out;
}

/// @throws steer::argument_error if instructions have no conversation to stand in; `who` names the command
inline void require_conversation(const model_options& how, std::string_view who) {
  if (!how.chat_template && how.frame.empty()) {
    throw steer::argument_error(steer::text({who, ": ", steer::actual("--no-template"), ": an instruction is part of a conversation; expected ",
                                             steer::expected("a chat template, or a --frame such as \"Question: {}\\nAnswer:\"")}));
  }
}

/// A request with an instruction: after it, or as what the system says.
inline dialogue instructed(const std::string& request, const std::string& instruction, bool as_system) {
  dialogue out;
  if (as_system) {
    out.push_back({"system", instruction});
  }
  out.push_back({"user", as_system ? request : request + " " + instruction});
  return out;
}

/// What can be told of the options before a model is loaded.
/// @return the requests
inline std::vector<std::string> check(const fit_options& o) {
  static_cast<void>(candidates_of(o));
  static_cast<void>(parse_layers(o.layers));
  if (o.instruction.find_first_not_of(" \t\n") == std::string::npos) {
    throw steer::argument_error(steer::text({"--instruction is ", steer::actual("empty"), "; expected ", steer::expected("what to do")}));
  }
  require_conversation(o.model, "fit");
  std::vector<std::string> requests = read_lines(o.requests, o.model.lines);
  constexpr std::size_t fewest = 4;
  if (requests.size() < o.held_out + fewest || o.held_out < 2) {
    throw steer::argument_error(steer::text({"fit: has ", steer::actual(requests.size()), " requests, of which ", o.held_out,
                                             " are held out; expected ", steer::expected({"at least 2 held out, and ", fewest, " more"})}));
  }
  static_cast<void>(read_lines(o.prose));
  return requests;
}

/// A context in which all rows of many texts are computed together.
inline steer::llama_cpp_host make_wide_host(llama_model* model, const model_options& options, std::size_t sequences, std::size_t rows,
                                            steer::llama_cpp_options adapted = {}) {
  llama_context_params parameters = llama_context_default_params();
  const auto room = static_cast<std::uint32_t>((rows + 255) / 256 * 256);
  parameters.n_seq_max = static_cast<std::uint32_t>(sequences);
  parameters.n_ctx = room;
  parameters.n_batch = room;
  parameters.n_ubatch = room;
  parameters.kv_unified = true;
  parameters.n_threads = options.threads;
  parameters.n_threads_batch = options.threads;
  return steer::llama_cpp_host(model, parameters, std::move(adapted));
}

/// What the model answers to prompts, sampled, with the tokens that ended the answers.
inline std::vector<token_list> sampled_answers(llama_model* model, const model_options& how, std::span<const token_list> prompts, std::size_t tokens,
                                               std::uint64_t seed, const std::function<void(double)>& progress) {
  constexpr double temperature = 0.8;
  constexpr double share = 0.95;
  constexpr std::size_t at_once = 20;
  std::vector<token_list> out;
  for (std::size_t first = 0; first < prompts.size(); first += at_once) {
    const std::size_t count = std::min(at_once, prompts.size() - first);
    const std::vector<token_list> some(prompts.begin() + static_cast<std::ptrdiff_t>(first), prompts.begin() + static_cast<std::ptrdiff_t>(first + count));
    steer::llama_cpp_host host = make_host(model, how, count, longest(some) + tokens + 1);
    const auto seen = [&](std::size_t step) {
      progress((static_cast<double>(first) + static_cast<double>(count) * static_cast<double>(step) / static_cast<double>(tokens)) /
               static_cast<double>(prompts.size()));
    };
    for (answer& each : answer_all(host, some, tokens, seen, sampler(count, temperature, share, seed + first))) {
      out.push_back(std::move(each.tokens));
      if (each.end) {
        out.back().push_back(*each.end);
      }
    }
  }
  return out;
}

/// Requests with what the instructed model answers to them.
inline std::vector<steer::answered_request> answered_requests(llama_model* model, const model_options& how,
                                                              const std::vector<std::string>& requests, const std::string& instruction,
                                                              bool as_system, std::size_t tokens, std::uint64_t seed,
                                                              const std::function<void(double)>& progress) {
  std::vector<token_list> prompted;
  for (const std::string& request : requests) {
    prompted.push_back(tokens_of(*model, instructed(request, instruction, as_system), how).tokens);
  }
  std::vector<token_list> answers = sampled_answers(model, how, prompted, tokens, seed, progress);
  std::vector<steer::answered_request> out;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    out.push_back({std::move(prompted[i]), tokens_of(*model, requests[i], how), std::move(answers[i])});
  }
  return out;
}

/// The longer of its two texts.
inline std::size_t length_of(const steer::answered_request& of) { return std::max(of.prompted.size(), of.plain.size()) + of.answer.size(); }

inline std::size_t rows_of(std::span<const steer::answered_request> requests) {
  std::size_t out = 0;
  for (const steer::answered_request& each : requests) {
    out += length_of(each);
  }
  return out;
}

/// The longest text of a request, with its answer.
inline std::size_t longest_of(std::span<const steer::answered_request> requests) {
  std::size_t out = 0;
  for (const steer::answered_request& each : requests) {
    out = std::max(out, length_of(each));
  }
  return out;
}

/// A context for the requests and texts that are judged together.
inline steer::llama_cpp_host make_judge(llama_model* model, const model_options& how, std::span<const steer::answered_request> requests,
                                        const std::vector<token_list>& texts = {}) {
  constexpr std::size_t at_once = 8;  // as `steer::compare_with_prompt` has in memory
  return make_wide_host(model, how, at_once, at_once * std::max(longest(texts), longest_of(requests)));
}

/// Texts of another kind, with the token in front that the model wants there.
inline std::vector<token_list> prose_of(const llama_model& model, const std::filesystem::path& file) {
  std::vector<token_list> out;
  for (const std::string& each : read_lines(file)) {
    token_list text = steer::tokenize(model, each, steer::special_tokens::as_text);
    const llama_token bos = llama_vocab_bos(llama_model_get_vocab(&model));
    if (bos >= 0 && text.front() != bos) {
      text.insert(text.begin(), bos);  // where there is none, the first word would be the sink of attention
    }
    out.push_back(std::move(text));
  }
  return out;
}

/// Judges plans side by side; on prose alone if there are no requests.
inline std::vector<judgement> judge(llama_model* model, const model_options& how, std::span<const steer::answered_request> requests,
                                    const std::vector<token_list>& prose, std::span<const steer::plan> plans) {
  steer::llama_cpp_host host = make_judge(model, how, requests, prose);
  const std::vector<steer::hook_ref<float>> hooks(plans.begin(), plans.end());
  std::vector<std::vector<steer::prompt_comparison>> compared(plans.size());
  if (!requests.empty()) {
    compared = steer::compare_with_prompt(host, requests, hooks);
  }
  std::vector<std::vector<steer::text_drift>> drifted = steer::measure_drift(host, prose, hooks);
  std::vector<judgement> out;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    out.push_back({std::move(compared[i]), std::move(drifted[i])});
  }
  return out;
}

/// A recipe fitted to an instruction, with its judgement.
struct fitted_recipe {
  steer::documented_recipe recipe;
  judgement found;
  int passes = 0;
  std::vector<std::string> tried = {};  ///< where the best was chosen: what it was chosen from
};

/// A context for all rows of requests at once, as far as there are enough sequences.
inline steer::llama_cpp_host make_fitting_host(llama_model* model, const model_options& how, std::span<const steer::answered_request> requests) {
  return make_wide_host(model, how, std::min(requests.size(), llama_max_parallel_sequences()), rows_of(requests), {.file = how.model});
}

/// The candidate that recovers most on the last quarter of the requests, fitted to the others.
/// @param tried  gets a line for each
inline steer::layer_fit_options best_of(llama_model* model, const fit_options& o, std::span<const steer::answered_request> requests,
                                        std::vector<std::string>& tried) {
  const std::vector<steer::layer_fit_options> all = candidates_of(o);
  const std::size_t judges = requests.size() / 4;
  if (all.size() == 1) {
    return all.front();
  }
  example::progress_bar progress("choosing");
  const auto to_fit = requests.first(requests.size() - judges);
  std::vector<steer::plan> plans;
  {
    steer::llama_cpp_host host = make_fitting_host(model, o.model, to_fit);
    for (const steer::layer_fit_options& each : all) {
      plans.emplace_back(steer::fit_to_prompt(host, to_fit, o.name, {.layer = each, .layers = parse_layers(o.layers)}).recipe, host.shape());
      progress(static_cast<double>(plans.size()) / static_cast<double>(all.size() + 1));
    }
  }
  const std::vector<judgement> found = judge(model, o.model, requests.last(judges), prose_of(*model, o.prose), plans);
  std::size_t best = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const steer::estimate recovered = steer::recovery(found[i].requests);
    const std::string rank = all[i].kind == steer::fit_kind::affine ? steer::text({", rank ", all[i].rank}) : std::string();
    tried.push_back(steer::text({to_string(all[i].kind), rank, ", ridge ", all[i].ridge, ": recovery ", recovered.value, " +- ", recovered.error,
                                 ", drift ", steer::drift(found[i].prose).value}));
    best = recovered.value > steer::recovery(found[best].requests).value ? i : best;
  }
  return all[best];
}

/// @throws as `check`, `steer::fit_to_prompt`; steer::argument_error if what the instruction changes is below its error
inline fitted_recipe fit(llama_model* model, const fit_options& o) {
  const std::vector<std::string> requests = check(o);
  std::vector<steer::answered_request> all;
  {
    example::progress_bar progress("writing answers");
    all = answered_requests(model, o.model, requests, o.instruction, o.as_system, o.tokens, o.seed, std::ref(progress));
  }
  std::erase_if(all, [](const steer::answered_request& each) { return each.answer.empty(); });
  constexpr std::size_t fewest = 4;
  if (all.size() < o.held_out + fewest) {
    throw steer::argument_error(steer::text({"fit: the model answers ", steer::actual(all.size()), " of ", requests.size(), " requests, of which ",
                                             o.held_out, " are held out; expected ", steer::expected({"answers to at least ", fewest, " more"})}));
  }
  const auto to_fit = std::span(all).first(all.size() - o.held_out);
  const auto to_judge = std::span(all).last(o.held_out);
  fitted_recipe out;
  steer::fit_options how{.layer = best_of(model, o, to_fit, out.tried), .layers = parse_layers(o.layers)};
  steer::prompt_fit found;
  steer::fitted about{.behaviour = o.name, .instruction = o.instruction, .kind = std::string(to_string(how.layer.kind))};
  {
    example::progress_bar progress("fitting");
    how.progress = std::ref(progress);
    steer::llama_cpp_host host = make_fitting_host(model, o.model, to_fit);
    about.model = host.shape().name;
    about.fingerprint = host.shape().fingerprint;
    found = steer::fit_to_prompt(host, to_fit, o.name, how);
    const steer::plan plan(found.recipe, host.shape());
    out.found = judge(model, o.model, to_judge, prose_of(*model, o.prose), std::span(&plan, 1)).front();
  }
  out.passes = found.passes;
  if (const steer::estimate effect = steer::prompt_effect(out.found.requests); !(effect.value > effect.error)) {
    throw steer::argument_error(steer::text({"fit: the instruction \"", o.instruction, "\" changes ", steer::actual({effect.value, " +- ", effect.error}),
                                             " nats a token; expected ", steer::expected("more than its error")}));
  }
  about.requests = to_fit.size();
  about.tokens = found.rows;
  about.recovery = steer::recovery(out.found.requests);
  about.drift = steer::drift(out.found.prose);
  for (const auto& [layer, here] : found.layers) {
    about.layers[layer] = {here.explained, here.norm_ratio};
  }
  out.recipe = {std::move(found.recipe), std::move(about), std::nullopt};
  return out;
}

inline void print(const fitted_recipe& of, const example::terminal& out) {
  const auto line = [](const char* name, const steer::estimate& e, const char* what) {
    std::printf("%-22s %8.3f +- %.3f  %s\n", name, e.value, e.error, what);
  };
  const std::vector<steer::prompt_comparison>& r = of.found.requests;
  for (const std::string& each : of.tried) {
    std::printf("  tried %s\n", each.c_str());
  }
  std::puts(out.paint(steer::text({of.recipe.fitted->kind, " edits at ", of.recipe.fitted->layers.size(), " layers, fitted to ",
                                   of.recipe.fitted->requests, " requests in ", of.passes, " passes, judged on ", r.size(), " others"}),
                      example::colour::bold)
                .c_str());
  line("recovery", steer::recovery(r), "of what the instruction does, 1 - KL(prompted, steered) / KL(prompted, plain)");
  line("  of the first token", steer::recovery_of_first_token(r), "");
  line("there is to recover", steer::prompt_effect(r), "nats a token");
  line("gain", steer::likelihood_gain(r), "log-likelihood of the instructed answers, nats a token");
  line("drift", steer::drift(of.found.prose), "KL(plain, steered) on prose, nats a token");
  std::printf("%-22s %8.3f\n", "  its 95th percentile", steer::drift_quantile(of.found.prose, 0.95));
  line("loss", steer::likelihood_loss(of.found.prose), "log-likelihood of the prose, nats a token");
  std::printf("%-22s %8.2f           of the requests move the wrong way\n", "wrong way", steer::wrong_way(r));
}

}  // namespace llama_steer
