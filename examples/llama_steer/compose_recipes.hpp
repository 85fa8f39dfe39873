// llama_steer/compose_recipes.hpp: recipes that stand for instructions, alone and in pairs, beside mean differences with as much effect.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "llama_steer/answer_readout.hpp"
#include "llama_steer/compose.hpp"
#include "llama_steer/fit.hpp"
#include "steer/io/recipe_file.hpp"
#include "steer/measure/measure_response.hpp"
#include "steer/measure/meet_targets.hpp"
#include "steer/recipe/recipe_of.hpp"
#include "terminal.hpp"

namespace llama_steer {

namespace detail {

/// Requests with an instruction, and without.
inline contrast_texts instructed_pairs(const std::vector<std::string>& requests, const std::string& instruction) {
  contrast_texts out;
  for (const std::string& each : requests) {
    out.positive.push_back(instructed(each, instruction, false));
    out.negative.push_back(request(each));
  }
  return out;
}

/// A response's part for one of its concepts.
inline steer::response part_of(const steer::response& whole, std::size_t concept_index) {
  const auto i = static_cast<Eigen::Index>(concept_index);
  steer::response out = whole;
  out.readouts = {whole.readouts[concept_index]};
  out.vectors = {whole.vectors[concept_index]};
  out.baseline = whole.baseline.segment(i, 1).eval();
  out.slope = whole.slope.block(i, i, 1, 1).eval();
  out.error = whole.error.block(i, i, 1, 1).eval();
  out.bend = whole.bend.block(i, i, 1, 1).eval();
  out.random_slope = {};
  return out;
}

/// Recipes or mean differences, which take doses.
struct dosable {
  std::string method;
  double most = 1.0;  ///< the largest dose by which one round changes it
  const steer::response& response;
  std::function<steer::recipe(const std::vector<double>& doses)> recipe_of;
};

}  // namespace detail

/// What can be told of recipes before a model is loaded.
/// @return the recipes
/// @throws steer::argument_error if one stands for no instruction, two for the same behaviour, or there are too few requests
inline std::vector<steer::documented_recipe> recipes_to_compose(const compose_options& o) {
  std::vector<steer::documented_recipe> out;
  for (const std::filesystem::path& file : o.recipes) {
    out.push_back(steer::load_recipe(file));
    static_cast<void>(steer::with_dose(out.back().recipe, 0.0F));
    if (!out.back().fitted || out.back().fitted->instruction.empty()) {
      throw steer::argument_error(steer::text({"compose: file ", file.string(), " says ", steer::actual("no instruction"), " that it stands for; expected ",
                                               steer::expected("a fitted recipe")}));
    }
    for (std::size_t i = 0; i + 1 < out.size(); ++i) {
      if (out[i].fitted->behaviour == out.back().fitted->behaviour) {
        throw steer::argument_error(steer::text({"compose: two recipes stand for \"", steer::actual(out[i].fitted->behaviour), "\"; expected ",
                                                 steer::expected("one for each behaviour")}));
      }
    }
  }
  require_conversation(o.model, "compose");
  for (const std::filesystem::path* file : {&o.requests, &o.fitted_to}) {
    if (const std::size_t count = read_lines(*file, o.model.lines).size(); count < detail::fewest) {
      throw steer::argument_error(steer::text({"compose: file ", file->string(), " has ", steer::actual(count), " requests; expected ",
                                               steer::expected({"at least ", detail::fewest})}));
    }
  }
  return out;
}

/// Composes recipes at a dose of 1, alone and in pairs, as they are and decoupled; and mean differences of the same instructions, each with
/// as much own effect as its recipe. Half of the requests make the readouts that doses are found by, the other half judges.
/// @param recipes  what `recipes_to_compose` has read
/// @throws as `steer::measure_response`
inline composition compose_recipes(llama_model* model, const compose_options& o, const std::vector<steer::documented_recipe>& recipes) {
  check(o);
  const std::vector<std::string> all = read_lines(o.requests, o.model.lines);
  const std::vector<std::string> reading(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2));
  const std::vector<std::string> others(all.end() - static_cast<std::ptrdiff_t>(all.size() / 2), all.end());
  std::vector<std::string> fitted_to = read_lines(o.fitted_to, o.model.lines);
  constexpr std::size_t most_texts = 40;
  fitted_to.resize(std::min(most_texts, fitted_to.size()));
  const std::size_t k = recipes.size();
  composition out;
  std::vector<steer::recipe> edits;
  std::vector<steer::steering_vector> vectors;
  std::vector<steer::readout> fitted;
  std::vector<steer::readout> judging;
  for (const steer::documented_recipe& each : recipes) {
    const auto& [name, instruction] = std::pair(each.fitted->behaviour, each.fitted->instruction);
    out.concepts.push_back(name);
    edits.push_back(each.recipe);
    vectors.push_back(extract(model, o.model, detail::instructed_pairs(fitted_to, instruction), {name, "with and without the instruction"},
                              o.tokens_read, parse_layers(o.layers)));
    fitted.push_back(answer_readout(model, o.model, name, detail::instructed_pairs(reading, instruction), o.readout_tokens));
    judging.push_back(answer_readout(model, o.model, name, detail::instructed_pairs(others, instruction), o.readout_tokens));
  }
  steer::llama_cpp_host host =
      make_host(model, o.model, detail::texts_at_once, std::max(detail::longest_text(fitted), detail::longest_text(judging)));
  const detail::shift_meter fit(host, std::move(fitted));
  const detail::shift_meter judge(host, std::move(judging));
  const double most = detail::largest(o.doses);
  const steer::dose_unit dose_unit;
  {
    example::progress_bar progress("measuring the responses");
    const auto half = [&](double done_before) { return [&, done_before](double done) { progress(0.5 * (done_before + done)); }; };
    out.responses.push_back(steer::measure_response(host, edits, fit.readouts(), {.step = 0.5, .progress = half(0.0)}));
    out.responses.push_back(steer::measure_response(host, vectors, fit.readouts(), {.dose_unit = dose_unit, .step = most / 2.0, .progress = half(1.0)}));
  }
  const detail::dosable of_recipes{"fitted", 1.0, out.responses[0], [&](const std::vector<double>& doses) { return steer::recipe_of(edits, doses); }};
  const detail::dosable of_vectors{"mean difference", 2.0 * most, out.responses[1],
                                   [&](const std::vector<double>& doses) { return steer::recipe_of(vectors, doses, dose_unit); }};
  const auto shifts_under = [&](const detail::dosable& what, const std::vector<double>& doses) {
    const steer::plan plan(what.recipe_of(doses), host.shape());
    return detail::values_of(fit.under(plan));
  };

  // What each recipe does alone is what everything else is to do.
  std::vector<double> own(k);
  std::vector<std::optional<double>> alone(k);  // doses of the mean differences that do as much, where there is one
  for (std::size_t i = 0; i < k; ++i) {
    std::vector<double> doses(k);
    doses[i] = 1.0;
    own[i] = shifts_under(of_recipes, doses)[i];
    const auto one = [&](const std::vector<double>& tried) {
      std::vector<double> all_doses(k);
      all_doses[i] = tried.front();
      return std::vector<double>{shifts_under(of_vectors, all_doses)[i]};
    };
    constexpr double close = 0.05;
    try {
      alone[i] = steer::meet_targets(detail::part_of(of_vectors.response, i), {own[i]}, one,
                                     {.rounds = o.rounds, .tolerance = close * std::abs(own[i]), .largest_step = of_vectors.most, .invertible = o.invertible})
                     .doses.front();
    } catch (const steer::numeric_error& problem) {
      detail::note_failure(problem.what(), out);
    }
  }
  std::vector<std::vector<std::size_t>> sets;
  for (std::size_t i = 0; i < k; ++i) {
    sets.push_back({i});
  }
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = i + 1; j < k; ++j) {
      sets.push_back({i, j});
    }
  }
  std::vector<steering> plans;
  {
    example::progress_bar progress("decoupling");
    double done = 0.0;
    for (const std::vector<std::size_t>& moves : sets) {
      for (const detail::dosable* what : {&of_recipes, &of_vectors}) {
        done += 0.5;
        progress(done / static_cast<double>(sets.size()));
        if (what == &of_vectors && std::any_of(moves.begin(), moves.end(), [&](std::size_t i) { return !alone[i]; })) {
          continue;  // no dose does as much as the recipe: that was said
        }
        const auto add = [&](const std::string& method, const std::vector<double>& doses) {
          plans.emplace_back(std::in_place_type<steer::plan>, what->recipe_of(doses), host.shape());
          out.rows.push_back({.method = method,
                              .moves = moves,
                              .dose = what == &of_recipes ? 1.0 : doses[moves.front()],
                              .doses = doses,
                              .expected = detail::values_of(steer::predict(what->response, doses)),
                              .shifts = {},
                              .answers = {}});
        };
        std::vector<double> doses(k);
        std::vector<double> wanted(k);
        double least = std::abs(own[moves.front()]);
        for (const std::size_t i : moves) {
          doses[i] = what == &of_recipes ? 1.0 : *alone[i];
          wanted[i] = own[i];
          least = std::min(least, std::abs(own[i]));
        }
        add(what->method, doses);
        try {
          constexpr double close = 0.05;
          const auto met = steer::meet_targets(what->response, wanted, [&](const std::vector<double>& tried) { return shifts_under(*what, tried); },
                                               {.rounds = o.rounds, .tolerance = close * least, .largest_step = what->most, .start = doses, .invertible = o.invertible});
          add(what->method + ", decoupled", met.doses);
        } catch (const steer::numeric_error& problem) {
          detail::note_failure(problem.what(), out);
        }
      }
    }
  }
  detail::judge_rows(model, o, judge, plans, out);
  return out;
}

}  // namespace llama_steer
