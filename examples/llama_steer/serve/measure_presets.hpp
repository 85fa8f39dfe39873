// llama_steer/serve/measure_presets.hpp: what fitted presets do to the output, in nats, and the direction in which their behaviour stands.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <llama.h>

#include "llama_steer/answer_readout.hpp"
#include "llama_steer/compose.hpp"
#include "llama_steer/compose_recipes.hpp"
#include "llama_steer/fit.hpp"
#include "llama_steer/subject.hpp"
#include "steer/measure/measure_response.hpp"
#include "steer/recipe/preset.hpp"

namespace llama_steer::serve {

/// How much is read and written to measure presets.
struct preset_measurement {
  std::size_t read = 10;             ///< requests that make a readout
  std::size_t read_tokens = 16;      ///< of each of their answers
  std::size_t answered = 20;         ///< further requests, to find directions by
  std::size_t answered_tokens = 48;  ///< of each of their answers
};

/// Whether a preset knows what doses of it do, and has a direction to watch.
inline bool is_measured(const steer::preset& p) {
  const std::vector<steer::edit>& edits = p.content.recipe.edits();
  return p.content.response.has_value() &&
         std::any_of(edits.begin(), edits.end(), [](const steer::edit& e) { return std::holds_alternative<steer::watch_edit>(e.operation); });
}

namespace detail {

/// Requests as the model answers them.
inline std::vector<dialogue_tokens> answered(llama_model* model, const model_options& how, std::vector<token_list> prompts, std::size_t tokens) {
  const std::vector<token_list> answers = sampled_answers(model, how, prompts, tokens, 1, [](double) {});
  std::vector<dialogue_tokens> out;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const auto begin = static_cast<std::int32_t>(prompts[i].size());
    prompts[i].insert(prompts[i].end(), answers[i].begin(), answers[i].end());
    out.push_back({std::move(prompts[i]), begin});
  }
  return out;
}

/// The recipe without what it watches.
inline steer::recipe unwatched(const steer::recipe& from) {
  steer::recipe out;
  for (const steer::edit& e : from.edits()) {
    if (!std::holds_alternative<steer::watch_edit>(e.operation)) {
      out.append(e);
    }
  }
  return out;
}

/// The vector with the one layer whose projections tell unseen texts apart best.
inline steer::steering_vector at_best_layer(steer::steering_vector v) {
  const auto best = std::max_element(v.directions.begin(), v.directions.end(), [](const auto& a, const auto& b) {
    return a.second.evidence.d_prime.value_or(0.0) < b.second.evidence.d_prime.value_or(0.0);
  });
  v.directions = {*best};
  return v;
}

}  // namespace detail

/// Measures fitted presets on requests that they were not fitted to: the response of every behaviour's readout to doses of every one; and finds
/// of each the direction from answers without its instruction to answers with it, which it watches from then on.
/// @param presets  fitted to instructions
/// @throws as `answer_readout`, `steer::measure_response`, `steer::mean_difference`
/// @cost   13 passes over 60 short texts for three presets, four times twenty answers, and one pass over those
inline void measure_presets(llama_model* model, const model_options& how, std::vector<steer::preset>& presets,
                            const std::function<void(const std::string&)>& say, const preset_measurement& much = {}) {
  const std::vector<std::string> all = read_lines(std::filesystem::path(STEER_LLAMA_STEER_DATA) / "more_requests.txt", how.lines);
  const auto between = all.begin() + static_cast<std::ptrdiff_t>(much.read);
  const std::vector<std::string> reading(all.begin(), between);
  const std::vector<std::string> answering(between, between + static_cast<std::ptrdiff_t>(much.answered));

  say("measuring what the presets do");
  std::vector<steer::recipe> recipes;
  std::vector<steer::readout> readouts;
  for (const steer::preset& each : presets) {
    recipes.push_back(detail::unwatched(each.content.recipe));
    readouts.push_back(answer_readout(model, how, each.name, llama_steer::detail::instructed_pairs(reading, each.content.fitted->instruction), much.read_tokens));
  }
  steer::llama_cpp_host host =
      make_host(model, how, llama_steer::detail::texts_at_once, llama_steer::detail::longest_text(readouts), {.file = how.model});
  const steer::response measured = steer::measure_response(host, recipes, readouts, {.step = 0.5});

  say("finding where their behaviours stand");
  const auto prompts_of = [&](const std::function<dialogue(const std::string&)>& asked) {
    std::vector<token_list> out;
    for (const std::string& each : answering) {
      out.push_back(tokens_of(*model, asked(each), how).tokens);
    }
    return out;
  };
  const std::vector<dialogue_tokens> plain = detail::answered(model, how, prompts_of([](const std::string& asked) { return request(asked); }), much.answered_tokens);
  for (std::size_t i = 0; i < presets.size(); ++i) {
    steer::preset& each = presets[i];
    const std::string& instruction = each.content.fitted->instruction;
    const std::vector<dialogue_tokens> with =
        detail::answered(model, how, prompts_of([&](const std::string& asked) { return instructed(asked, instruction, false); }), much.answered_tokens);
    each.content.recipe = std::move(recipes[i]);
    each.content.recipe.watch({detail::at_best_layer(extract(model, how, with, plain, {each.name, "answers with the instruction and without"}, "answer", {}))});
    each.content.response = measured;
  }
}

}  // namespace llama_steer::serve
