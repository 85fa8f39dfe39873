// llama_steer/report.hpp: what recipes do to a model, beside the prompts that they stand for.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <ostream>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "llama_steer/fit.hpp"
#include "llama_steer/measures.hpp"
#include "llama_steer/text_lines.hpp"
#include "steer/extract/mean_difference.hpp"
#include "steer/extract/recorder.hpp"
#include "steer/io/recipe_file.hpp"
#include "steer/measure/calibrate.hpp"
#include "steer/measure/measure_response.hpp"
#include "steer/measure/norm_ratios.hpp"
#include "steer/measure/quantile.hpp"
#include "steer/recipe/recipe_of.hpp"
#include "terminal.hpp"

namespace llama_steer {

struct report_options {
  model_options model;
  std::vector<std::filesystem::path> recipes;
  std::string instruction;  ///< of a recipe that does not say its own, or instead of that
  bool as_system = false;
  bool together = false;  ///< the recipes act as one, for all their instructions
  std::filesystem::path requests = std::filesystem::path(STEER_LLAMA_STEER_DATA) / "requests.txt";
  std::filesystem::path prose = std::filesystem::path(STEER_LLAMA_STEER_DATA) / "prose.txt";
  std::vector<float> doses{0.25F, 0.5F, 0.75F, 1.0F, 1.25F, 1.5F};
  std::optional<float> drift_budget;  ///< for which a dose is sought: the 95th percentile of drift, nats a token
  std::size_t judges = 20;            ///< requests: the last ones
  std::size_t tokens = 48;
  std::uint64_t seed = 1;
  std::filesystem::path out = "report.html";
  std::filesystem::path csv;
};

/// One figure.
struct report_row {
  std::string behaviour;
  /// The recipe's, or plain, prompt, mean_difference, random; of another behaviour its name for the recipe, and "name prompt" for the prompt.
  std::string kind;
  double dose = 0.0;
  std::string metric;
  double value = 0.0;
  std::optional<double> error = std::nullopt;
};

/// One answer.
struct told {
  std::string kind;
  std::string text;
  /// Its tokens, each with how long what was added to the row that foretold it was, in row norms, mean over layers; empty: not known.
  std::vector<std::pair<std::string, double>> tokens = {};
};

/// One request, answered by each.
struct told_side_by_side {
  std::string request;
  std::vector<told> answers;
};

struct behaviour_report {
  std::string name;
  std::string instruction;  ///< empty: nothing is known of a prompt
  std::string kind;
  std::string files;
  std::string digests;
  std::vector<told_side_by_side> told;
  std::map<int, steer::fitted_layer> layers;
  std::map<double, std::map<int, double>> norms;  ///< by dose and layer: the 99th percentile of the rows' norm ratios
};

/// The figures of every behaviour, and what they were measured with.
struct report {
  std::string model;
  std::string fingerprint;
  std::string settings = {};
  std::vector<behaviour_report> behaviours = {};
  std::vector<report_row> rows = {};
};

namespace detail {

/// What is reported on: one recipe, or several that act as one.
struct report_subject {
  behaviour_report about;
  steer::documented_recipe recipe;
  std::vector<steer::answered_request> asked = {};  ///< and answered with the instruction; empty without one
};

/// Constant additions along random directions, at each layer as long as what the recipe adds there; empty if that is not known.
inline steer::recipe random_as_long_as(const steer::documented_recipe& of, std::uint64_t seed) {
  steer::recipe out;
  std::mt19937_64 engine(seed);
  std::normal_distribution<float> normal;
  if (!of.fitted) {
    return out;
  }
  for (const steer::edit& each : of.recipe.edits()) {
    const auto* addition = std::get_if<steer::add_edit>(&each.operation);
    if (addition == nullptr || addition->vector.directions.size() != 1) {
      continue;
    }
    const auto& [layer, direction] = *addition->vector.directions.begin();
    const auto known = of.fitted->layers.find(layer);
    if (known == of.fitted->layers.end() || !direction.row_norm) {
      continue;
    }
    steer::steering_vector as_long{.name = "random"};
    as_long.directions[layer].values = direction.values.normalized() * static_cast<float>(known->second.norm_ratio * *direction.row_norm);
    out.add(steer::random_like(std::move(as_long), [&] { return normal(engine); }), {.unit = steer::strength_unit::raw},
            {.layers = {layer}, .rows = each.where.rows});
  }
  return out;
}

/// The mean difference of the rows of an answer after a request with the instruction and without, at the layer and strength that recover
/// most on other requests: what steering is without a fit. Empty if there are too few requests.
inline steer::recipe best_mean_difference(llama_model* model, const report_options& o, const std::vector<std::string>& requests,
                                          const std::string& instruction) {
  constexpr std::size_t most_requests = 24;
  constexpr std::size_t judges = 8;
  const std::vector<std::string> some(requests.begin(), requests.begin() + static_cast<std::ptrdiff_t>(std::min(most_requests, requests.size())));
  std::vector<steer::answered_request> all_asked = answered_requests(model, o.model, some, instruction, o.as_system, o.tokens, o.seed, [](double) {});
  std::erase_if(all_asked, [](const steer::answered_request& each) { return each.answer.empty(); });
  if (all_asked.size() < 2 * judges) {
    return {};
  }
  const auto asked = std::span<const steer::answered_request>(all_asked).last(judges);
  steer::llama_cpp_host host = make_judge(model, o.model, all_asked);
  steer::recorder recorder(host.shape(), {.tokens = steer::answer_tokens{}});
  for (const steer::answered_request& each : std::span(all_asked).first(all_asked.size() - judges)) {
    const auto after = [&](token_list prompt) {
      prompt.insert(prompt.end(), each.answer.begin(), each.answer.end());
      return prompt;
    };
    const token_list prompted = after(each.prompted);
    const token_list plain = after(each.plain);
    recorder.record(host, steer::answered_text{prompted, static_cast<std::int32_t>(each.prompted.size())},
                    steer::answered_text{plain, static_cast<std::int32_t>(each.plain.size())});
  }
  const steer::steering_vector all = steer::mean_difference(recorder, {"mean difference", "with and without the instruction"});
  const int layers = host.shape().layers;
  steer::recipe best;
  std::pair<int, float> at{0, 1.0F};
  double most = -1e300;
  const auto choose = [&](const std::vector<std::pair<int, float>>& candidates) {
    std::vector<steer::recipe> recipes;
    std::vector<steer::plan> plans;
    for (const auto& [layer, strength] : candidates) {
      recipes.emplace_back().add(all, {.strength = strength, .unit = steer::strength_unit::raw}, {.layers = {layer}, .rows = {.first = 1}});
      plans.emplace_back(recipes.back(), host.shape());
    }
    const std::vector<steer::hook_ref<float>> hooks(plans.begin(), plans.end());
    const auto found = steer::compare_with_prompt(host, asked, hooks);
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (const double value = steer::recovery(found[i]).value; value > most) {
        most = value;
        best = recipes[i];
        at = candidates[i];
      }
    }
  };
  std::vector<std::pair<int, float>> coarse;
  for (int layer = layers / 6; layer < layers; layer += std::max(1, layers / 7)) {
    coarse.insert(coarse.end(), {{layer, 1.0F}, {layer, 2.0F}});
  }
  choose(coarse);
  const auto [layer, strength] = at;
  choose({{std::max(layer - 2, 0), strength}, {std::min(layer + 2, layers - 1), strength}, {layer, 0.7F * strength}, {layer, 1.4F * strength}});
  return best;
}

/// What a plan adds to rows, in their norms, mean over the layers where it acts.
class addition_meter {
 public:
  addition_meter(const steer::plan& acting, std::size_t rows, std::ptrdiff_t width) : acting_(acting), shares_(rows), before_(static_cast<std::size_t>(width)) {}

  [[nodiscard]] steer::access access(steer::site where) const noexcept { return acting_.access(where); }
  void operator()(steer::site where, steer::rows<float> shown) noexcept {
    ++sites_;
    for (std::ptrdiff_t i = 0; i < shown.count; ++i) {
      const auto row = static_cast<std::size_t>(shown.info_of(i).position);
      std::copy_n(shown[i].data(), before_.size(), before_.data());
      const std::span<const steer::row_info> info = shown.info.empty() ? shown.info : shown.info.subspan(static_cast<std::size_t>(i), 1);
      acting_(where, {shown[i].data(), 1, shown.width, shown.width, info});
      double moved = 0.0;
      double norm = 0.0;
      for (std::size_t d = 0; d < before_.size(); ++d) {
        const double h = static_cast<double>(before_[d]);
        moved += (static_cast<double>(shown[i][d]) - h) * (static_cast<double>(shown[i][d]) - h);
        norm += h * h;
      }
      if (row < shares_.size() && norm > 0.0) {
        shares_[row] += std::sqrt(moved / norm) / acting_.shape().streams_at(where.point);  // a token's mean over its streams
      }
    }
  }
  [[nodiscard]] std::vector<double> shares() const {
    std::vector<double> out = shares_;
    for (double& each : out) {
      each /= std::max(1, sites_);
    }
    return out;
  }

 private:
  const steer::plan& acting_;
  std::vector<double> shares_;  // by position
  std::vector<float> before_;
  int sites_ = 0;
};

/// The recipes by themselves, or as one that stands for all their instructions.
inline std::vector<report_subject> subjects_of(const report_options& o, const std::vector<steer::documented_recipe>& recipes) {
  std::vector<report_subject> out;
  for (std::size_t r = 0; r < recipes.size(); ++r) {
    const steer::documented_recipe& of = recipes[r];
    report_subject next{.about = {.name = of.fitted ? of.fitted->behaviour : o.recipes[r].stem().string(),
                                  .instruction = !o.instruction.empty() ? o.instruction : of.fitted ? of.fitted->instruction : std::string(),
                                  .kind = of.fitted ? of.fitted->kind : "recipe",
                                  .files = o.recipes[r].filename().string(),
                                  .digests = steer::content_digest(of),
                                  .told = {},
                                  .layers = of.fitted ? of.fitted->layers : std::map<int, steer::fitted_layer>{},
                                  .norms = {}},
                        .recipe = of};
    if (!o.together || out.empty()) {
      out.push_back(std::move(next));
      continue;
    }
    report_subject& stack = out.front();
    stack.about.name += "+" + next.about.name;
    stack.about.kind = "stack";
    stack.about.files += ", " + next.about.files;
    stack.about.digests += ", " + next.about.digests;
    stack.about.layers.clear();
    if (o.instruction.empty()) {
      stack.about.instruction = stack.about.instruction.empty() || next.about.instruction.empty()
                                    ? std::string()
                                    : stack.about.instruction + " " + next.about.instruction;
    }
    stack.recipe = {steer::recipe_of({stack.recipe.recipe, of.recipe}, {1.0, 1.0}), std::nullopt, std::nullopt};
  }
  return out;
}

/// Makes the figures of one report.
class reporter {
 public:
  reporter(llama_model* model, const report_options& o, const steer::model_shape& shape, report& out)
      : model_(model), o_(o), shape_(shape), out_(out), prose_(prose_of(*model, o.prose)) {
    std::vector<std::string> all = read_lines(o.requests, o.model.lines);
    const auto judges = all.end() - static_cast<std::ptrdiff_t>(o.judges);
    requests_.assign(judges, all.end());
    others_.assign(all.begin(), judges);
    for (const std::string& each : requests_) {
      prompts_.push_back(tokens_of(*model, each, o.model));
    }
    plain_ = answered(prompts_, nullptr);
    for (std::size_t i = 0; i < plain_.size(); ++i) {
      if (!plain_[i].tokens.empty()) {
        own_.push_back({prompts_[i], prompts_[i], plain_[i].tokens});
      }
    }
  }

  /// All that needs no other behaviour.
  void measure(report_subject& of) {
    example::progress_bar progress(steer::text({"reporting ", of.about.name}));
    const bool has_prompt = !of.about.instruction.empty();
    if (has_prompt) {
      of.asked = answered_requests(model_, o_.model, requests_, of.about.instruction, o_.as_system, o_.tokens, o_.seed,
                                   [&](double done) { progress(0.2 * done); });
    }
    std::vector<contestant> all;
    for (const float dose : o_.doses) {
      all.push_back({of.about.kind, static_cast<double>(dose), steer::with_dose(of.recipe.recipe, dose)});
    }
    if (steer::recipe control = random_as_long_as(of.recipe, o_.seed); !control.empty()) {
      all.push_back({"random", 1.0, std::move(control)});
    }
    if (steer::recipe plain = has_prompt ? best_mean_difference(model_, o_, others_, of.about.instruction) : steer::recipe(); !plain.empty()) {
      all.push_back({"mean_difference", 1.0, std::move(plain)});
    }
    progress(0.3);
    along_fixed_texts(of, all);
    progress(0.6);
    for (const std::string& request : requests_) {
      of.about.told.push_back({request, {}});
    }
    const steer::plan whole(of.recipe.recipe, shape_);
    own_answers(of, "plain", plain_, nullptr);
    if (has_prompt) {
      std::vector<token_list> prompts;
      for (const steer::answered_request& each : of.asked) {
        prompts.push_back(each.prompted);
      }
      own_answers(of, "prompt", answered(prompts, nullptr), nullptr);
    }
    progress(0.8);
    own_answers(of, of.about.kind, answered(prompts_, &whole), &whole);
    if (o_.drift_budget) {
      calibrate(of);
    }
    progress(1.0);
  }

  /// What each recipe, and each prompt, does to the answers that another instruction calls for.
  void measure_bleed(const std::vector<report_subject>& all) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::vector<steer::answered_request> asked = judged(all[i]);
      if (all.size() < 2 || asked.empty()) {
        continue;
      }
      std::vector<steer::plan> plans;
      for (const report_subject& acting : all) {
        plans.emplace_back(acting.recipe.recipe, shape_);
      }
      const std::vector<steer::hook_ref<float>> hooks(plans.begin(), plans.end());
      steer::llama_cpp_host host = make_judge(model_, o_.model, asked);
      const auto found = steer::compare_with_prompt(host, asked, hooks);
      for (std::size_t j = 0; j < all.size(); ++j) {
        if (j != i) {
          estimated(all[i].about.name, all[j].about.name, 1.0, "gain", steer::likelihood_gain(found[j]));
          estimated(all[i].about.name, all[j].about.name, 1.0, "recovery", steer::recovery(found[j]));
        }
        std::vector<steer::answered_request> turned;  // the answers of one behaviour after the prompts of another
        for (std::size_t r = 0; r < all[j].asked.size(); ++r) {
          if (!all[i].asked[r].answer.empty()) {
            turned.push_back({all[j].asked[r].prompted, all[i].asked[r].plain, all[i].asked[r].answer});
          }
        }
        if (!turned.empty()) {
          steer::llama_cpp_host longer = make_judge(model_, o_.model, turned);
          estimated(all[i].about.name, j == i ? "prompt" : all[j].about.name + " prompt", 1.0, "gain",
                    steer::likeness(steer::compare_with_prompt(longer, turned, {}).front()));
        }
      }
    }
  }

 private:
  /// What is judged, and at what dose.
  struct contestant {
    std::string kind;
    double dose = 1.0;
    steer::recipe recipe;
  };

  void row(const std::string& behaviour, const std::string& kind, double dose, const char* metric, double value,
           std::optional<double> error = std::nullopt) {
    out_.rows.push_back({behaviour, kind, dose, metric, value, error && std::isfinite(*error) ? error : std::nullopt});
  }
  void estimated(const std::string& behaviour, const std::string& kind, double dose, const char* metric, const steer::estimate& e) {
    row(behaviour, kind, dose, metric, e.value, e.error);
  }

  /// Requests whose instructed answer has a token.
  static std::vector<steer::answered_request> judged(const report_subject& of) {
    std::vector<steer::answered_request> out = of.asked;
    std::erase_if(out, [](const steer::answered_request& each) { return each.answer.empty(); });
    return out;
  }

  std::vector<answer> answered(const std::vector<token_list>& prompts, const steer::plan* acting) {
    constexpr double temperature = 0.8;
    constexpr double share = 0.95;
    steer::llama_cpp_host host = make_host(model_, o_.model, prompts.size(), longest(prompts) + o_.tokens + 1);
    if (acting != nullptr) {
      host.steer(*acting);
    }
    return answer_all(host, prompts, o_.tokens, {}, sampler(prompts.size(), temperature, share, o_.seed + 100));
  }

  /// Along the prompted model's answers, prose, and the plain model's own answers.
  void along_fixed_texts(report_subject& of, const std::vector<contestant>& all) {
    const std::string& name = of.about.name;
    std::vector<steer::plan> plans;
    for (const contestant& each : all) {
      plans.emplace_back(each.recipe, shape_);
    }
    const std::vector<steer::answered_request> asked = judged(of);
    const std::vector<judgement> found = judge(model_, o_.model, asked, prose_, plans);
    const std::vector<steer::hook_ref<float>> hooks(plans.begin(), plans.end());
    std::vector<std::vector<steer::prompt_comparison>> own;
    std::vector<steer::norm_ratios> norms;
    if (!own_.empty()) {
      steer::llama_cpp_host host = make_judge(model_, o_.model, own_);
      own = steer::compare_with_prompt(host, own_, hooks);
      steer::llama_cpp_host wide = make_wide_host(model_, o_.model, std::min(own_.size(), llama_max_parallel_sequences()), rows_of(own_));
      norms = steer::measure_norm_ratios(wide, own_, hooks);
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto& [kind, dose, unused] = all[i];
      if (!asked.empty()) {
        estimated(name, kind, dose, "recovery", steer::recovery(found[i].requests));
        estimated(name, kind, dose, "recovery_first", steer::recovery_of_first_token(found[i].requests));
        estimated(name, kind, dose, "gain", steer::likelihood_gain(found[i].requests));
        row(name, kind, dose, "wrong_way", steer::wrong_way(found[i].requests));
      }
      estimated(name, kind, dose, "drift", steer::drift(found[i].prose));
      row(name, kind, dose, "drift_p95", steer::drift_quantile(found[i].prose, 0.95));
      estimated(name, kind, dose, "nll", steer::likelihood_loss(found[i].prose));
      if (own.empty()) {
        continue;
      }
      estimated(name, kind, dose, "drift_requests", steer::remaining_effect(own[i]));
      std::vector<double> pooled;
      for (const auto& [layer, ratios] : norms[i]) {
        pooled.insert(pooled.end(), ratios.begin(), ratios.end());
        if (kind == of.about.kind) {
          of.about.norms[dose][layer] = steer::quantile(ratios, 0.99, "norm ratios");
        }
      }
      row(name, kind, dose, "norm_ratio_p50", steer::quantile(pooled, 0.5, "norm ratios"));
      row(name, kind, dose, "norm_ratio_p99", steer::quantile(std::move(pooled), 0.99, "norm ratios"));
    }
    if (asked.empty()) {
      return;
    }
    estimated(name, "prompt", 1.0, "effect", steer::prompt_effect(found.front().requests));
    std::vector<steer::answered_request> turned;  // how far the prompt itself moves the plain model's own answers
    for (std::size_t i = 0; i < plain_.size(); ++i) {
      if (!plain_[i].tokens.empty()) {
        turned.push_back({prompts_[i], of.asked[i].prompted, plain_[i].tokens});
      }
    }
    if (!turned.empty()) {
      steer::llama_cpp_host host = make_judge(model_, o_.model, turned);
      estimated(name, "prompt", 1.0, "drift_requests", steer::prompt_effect(steer::compare_with_prompt(host, turned, {}).front()));
    }
  }

  /// What answers that a model wrote by itself are like.
  void own_answers(report_subject& of, const std::string& kind, const std::vector<answer>& answers, const steer::plan* acting) {
    const std::string& name = of.about.name;
    const double dose = kind == "plain" ? 0.0 : 1.0;
    std::vector<double> lengths;
    std::vector<double> distinct;
    std::vector<steer::answered_request> own;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const std::string said = without_thoughts(answers[i].text);
      lengths.push_back(static_cast<double>(words(said).size()));
      distinct.push_back(distinct_2(words(said)));
      of.about.told[i].answers.push_back({kind, said});
      if (acting != nullptr && i < shown) {
        of.about.told[i].answers.back().tokens = tinted(prompts_[i], answers[i].tokens, *acting);
      }
      if (!answers[i].tokens.empty()) {
        own.push_back({of.asked.empty() ? prompts_[i] : of.asked[i].prompted, prompts_[i], answers[i].tokens});
      }
    }
    const auto mean = [&](const char* metric, const std::vector<double>& of_each) {
      const auto n = static_cast<double>(of_each.size());
      double sum = 0.0;
      double squares = 0.0;
      for (const double each : of_each) {
        sum += each;
        squares += each * each;
      }
      const double variance = std::max(0.0, squares / n - sum / n * (sum / n)) / std::max(1.0, n - 1.0);
      row(name, kind, dose, metric, sum / n, std::sqrt(variance));
    };
    mean("words", lengths);
    mean("distinct2", distinct);
    if (own.empty()) {
      return;
    }
    steer::llama_cpp_host reader = make_judge(model_, o_.model, own);
    const std::vector<steer::prompt_comparison> read = steer::compare_with_prompt(reader, own, {}).front();
    if (!of.asked.empty()) {
      estimated(name, kind, dose, "likeness", steer::likeness(read));
    }
    double likelihood = 0.0;
    double count = 0.0;
    for (const steer::prompt_comparison& each : read) {
      likelihood += each.plain_likelihood;
      count += static_cast<double>(each.tokens);
    }
    row(name, kind, dose, "perplexity", std::exp(-likelihood / count));
  }

  /// An answer's tokens, each with what is added to the row that foretold it.
  std::vector<std::pair<std::string, double>> tinted(const token_list& prompt, const token_list& tokens, const steer::plan& acting) {
    token_list text = prompt;
    text.insert(text.end(), tokens.begin(), tokens.end());
    steer::llama_cpp_host host = make_host(model_, o_.model, 1, text.size());
    addition_meter meter(acting, text.size(), shape_.width);
    host.evaluate(text, meter);
    const std::vector<double> shares = meter.shares();
    std::vector<std::pair<std::string, double>> out;
    for (std::size_t j = 0; j < tokens.size(); ++j) {
      out.emplace_back(steer::text_of(*model_, tokens[j]), shares[prompt.size() + j - 1]);
    }
    return out;
  }

  /// Doses that are worth knowing.
  void calibrate(const report_subject& of) {
    const steer::calibrate_options how{.tolerance = 0.05};
    const std::vector<steer::answered_request> asked = judged(of);
    steer::llama_cpp_host host = make_judge(model_, o_.model, asked, prose_);
    const auto with = [&](double dose, const auto& measure) {
      const steer::plan plan(steer::with_dose(of.recipe.recipe, static_cast<float>(dose)), shape_);
      const steer::hook_ref<float> hook(plan);
      return measure(std::span(&hook, 1));
    };
    const steer::calibrated within = steer::dose_within(
        static_cast<double>(*o_.drift_budget),
        [&](double dose) {
          return with(dose, [&](auto hooks) { return steer::drift_quantile(steer::measure_drift(host, std::span(prose_), hooks).front(), 0.95); });
        },
        how);
    row(of.about.name, of.about.kind, within.dose, "dose_within_budget", within.value);
    if (!asked.empty()) {
      const steer::calibrated best = steer::best_dose(
          [&](double dose) {
            return with(dose, [&](auto hooks) { return steer::recovery(steer::compare_with_prompt(host, std::span(asked), hooks).front()).value; });
          },
          how);
      row(of.about.name, of.about.kind, best.dose, "best_dose", best.value);
    }
  }

  static constexpr std::size_t shown = 5;  // answers on the page

  llama_model* model_;
  const report_options& o_;
  const steer::model_shape& shape_;
  report& out_;
  std::vector<token_list> prose_;
  std::vector<std::string> requests_;
  std::vector<std::string> others_;  // that do not judge
  std::vector<token_list> prompts_;
  std::vector<answer> plain_;
  std::vector<steer::answered_request> own_;  // the plain model's own answers
};

}  // namespace detail

/// What can be told of the options before a model is loaded.
/// @return the recipes
/// @throws steer::argument_error if there is none, one has no dose, or there are not as many requests as judge
inline std::vector<steer::documented_recipe> check(const report_options& o) {
  std::vector<steer::documented_recipe> out;
  if (o.recipes.empty()) {
    throw steer::argument_error(steer::text({"report: has ", steer::actual("no --recipe"), "; expected ", steer::expected("at least one")}));
  }
  for (const std::filesystem::path& file : o.recipes) {
    out.push_back(steer::load_recipe(file));
    static_cast<void>(steer::with_dose(out.back().recipe, 0.0F));
  }
  if (o.together && o.recipes.size() < 2) {
    throw steer::argument_error(steer::text({"report: --together has ", steer::actual("one recipe"), "; expected ", steer::expected("at least two")}));
  }
  if (o.drift_budget && !(*o.drift_budget > 0.0F)) {
    throw steer::argument_error(steer::text({"--drift-budget is ", steer::actual(*o.drift_budget), "; expected ", steer::expected("more than 0")}));
  }
  require_conversation(o.model, "report");
  const std::size_t requests = read_lines(o.requests, o.model.lines).size();
  if (o.judges < 2 || requests < o.judges) {
    throw steer::argument_error(steer::text({"report: has ", steer::actual(requests), " requests, of which ", o.judges, " judge; expected ",
                                             steer::expected("at least 2, and as many requests")}));
  }
  static_cast<void>(read_lines(o.prose));
  return out;
}

/// @param recipes  what `check` has read
/// @throws as `answered_requests` and `judge`
inline report measure(llama_model* model, const report_options& o, const std::vector<steer::documented_recipe>& recipes) {
  const steer::model_shape shape = make_host(model, o.model, 1, 1).shape();
  report out{.model = shape.name, .fingerprint = shape.fingerprint};
  out.settings = steer::text({o.judges, " requests of ", o.requests.filename().string(), " judge, answers of at most ", o.tokens,
                              " tokens sampled at temperature .8, seed ", o.seed, "; prose: ", o.prose.filename().string()});
  detail::reporter make(model, o, shape, out);
  std::vector<detail::report_subject> subjects = detail::subjects_of(o, recipes);
  for (detail::report_subject& each : subjects) {
    make.measure(each);
    out.behaviours.push_back(each.about);
  }
  make.measure_bleed(subjects);
  return out;
}

/// Columns behaviour, kind, dose, metric, value, stderr; texts with a comma or a quote are quoted.
inline void write_csv(const report& of, std::ostream& out) {
  const auto cell = [](const std::string& text) {
    if (text.find_first_of(",\"\n") == std::string::npos) {
      return text;
    }
    std::string quoted = "\"";
    for (const char c : text) {
      quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    }
    return quoted + "\"";
  };
  out << "behaviour,kind,dose,metric,value,stderr\n";
  for (const report_row& r : of.rows) {
    out << cell(r.behaviour) << ',' << cell(r.kind) << ',' << r.dose << ',' << r.metric << ',' << r.value << ',';
    if (r.error) {
      out << *r.error;
    }
    out << '\n';
  }
}

}  // namespace llama_steer
