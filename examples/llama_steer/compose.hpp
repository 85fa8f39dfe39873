// llama_steer/compose.hpp: doses that move one concept and hold the others still, beside doses of one vector each.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "llama_steer/answer_readout.hpp"
#include "llama_steer/fit.hpp"
#include "llama_steer/pairs.hpp"
#include "llama_steer/questionnaire.hpp"
#include "llama_steer/subject.hpp"
#include "steer/measure/compare_with_prompt.hpp"
#include "steer/measure/measure_response.hpp"
#include "steer/measure/meet_targets.hpp"
#include "steer/measure/take_readings.hpp"
#include "steer/recipe/recipe_of.hpp"
#include "terminal.hpp"

namespace llama_steer {

/// A concept by two files of as many texts, one per line.
struct contrast_files {
  std::string name;
  std::filesystem::path positive;
  std::filesystem::path negative;
};

/// The concepts that ship with the program.
inline std::vector<contrast_files> shipped_concepts() {
  const std::filesystem::path folder(STEER_LLAMA_STEER_DATA);
  return {{"terse", folder / "succinct.txt", folder / "verbose.txt"},
          {"happy", folder / "happy.txt", folder / "sad.txt"},
          {"formal", folder / "formal.txt", folder / "casual.txt"}};
}

struct compose_options {
  model_options model;
  std::vector<contrast_files> concepts = shipped_concepts();
  file_options vectors;  ///< one for each concept, in their order; none: they are read from half of its pairs
  std::string tokens_read = "last";
  std::string layers;  ///< empty: all
  std::vector<std::filesystem::path> recipes;  ///< instead of concepts and vectors: one for each behaviour
  std::filesystem::path fitted_to = std::filesystem::path(STEER_LLAMA_STEER_DATA) / "requests.txt";  ///< of which the mean differences are made
  std::filesystem::path requests = std::filesystem::path(STEER_LLAMA_STEER_DATA) / "more_requests.txt";  ///< that read out and judge recipes
  std::filesystem::path prompts = std::filesystem::path(STEER_LLAMA_STEER_DATA) / "prompts.txt";
  std::filesystem::path prose = std::filesystem::path(STEER_LLAMA_STEER_DATA) / "prose.txt";
  std::vector<double> doses{-0.02, -0.01, 0.01, 0.02};  ///< of one vector, in mean row norms
  std::size_t readout_tokens = 24;                      ///< of an answer that is read out
  int rounds = 4;                                       ///< in which decoupled doses are corrected; 1: as the response says
  steer::invertible invertible = {};                    ///< what counts as a response that can be decoupled
  int controls = 8;                                     ///< random directions
  std::uint64_t seed = 1;
  std::size_t tokens = 200;  ///< of an answer that is measured
  std::filesystem::path csv;
};

/// What came of one set of doses.
struct composed {
  std::string method;
  std::vector<std::size_t> moves;  ///< the concepts that are to move; none for a random direction
  double dose = 0.0;          ///< of the plain row that it is to be compared with
  std::vector<double> doses;  ///< of every vector or recipe; empty for a random direction
  std::vector<double> expected;           ///< shift of every concept, in nats, as the response says
  std::vector<steer::estimate> shifts;    ///< as measured on pairs that nothing was fitted to
  steer::estimate prose = {};  ///< drift of texts of another kind, in nats a token
  answer_summary answers;
};

struct composition {
  std::vector<std::string> concepts;
  std::vector<steer::response> responses;  ///< of what is dosed; of recipes first, then of mean differences
  answer_summary unsteered;
  std::vector<composed> rows;
  std::vector<std::string> failures;  ///< why there are no decoupled doses
};

namespace detail {

inline constexpr std::size_t fewest = 8;         // pairs
inline constexpr std::size_t texts_at_once = 8;  // that are read out

/// How far plans move readouts from where they stand.
class shift_meter {
 public:
  shift_meter(steer::llama_cpp_host& host, std::vector<steer::readout> readouts)
      : host_(host), readouts_(std::move(readouts)), unsteered_(steer::take_readings(host, readouts_)) {}

  [[nodiscard]] const std::vector<steer::readout>& readouts() const noexcept { return readouts_; }

  [[nodiscard]] std::vector<steer::estimate> under(const steer::plan& plan) const {
    const auto steered = steer::take_readings(host_, readouts_, plan);
    std::vector<steer::estimate> out;
    for (std::size_t i = 0; i < steered.size(); ++i) {
      out.push_back(steer::shift_of(unsteered_[i], steered[i]));
    }
    return out;
  }

 private:
  steer::llama_cpp_host& host_;
  std::vector<steer::readout> readouts_;
  std::vector<steer::readings> unsteered_;
};

inline std::vector<double> values_of(const std::vector<steer::estimate>& estimates) {
  std::vector<double> out;
  for (const steer::estimate& e : estimates) {
    out.push_back(e.value);
  }
  return out;
}

/// One direction that stands for nothing, the same at all layers of the vector, as a concept's nearly are.
inline steer::steering_vector random_direction_like(steer::steering_vector v, std::mt19937_64& engine) {
  std::normal_distribution<float> normal;
  const Eigen::VectorXf values = Eigen::VectorXf::NullaryExpr(v.width(), [&] { return normal(engine); });
  for (auto& [layer, direction] : v.directions) {
    direction.values = values;
  }
  v.name = "random";
  return v;
}

/// As long as a factor says, in every unit.
inline steer::direction scaled(steer::direction of, float factor) {
  of.values *= factor;
  for (std::optional<double>* size : {&of.row_norm, &of.spread}) {
    if (*size) {
      **size *= std::abs(static_cast<double>(factor));
    }
  }
  return of;
}

/// Shifts, answers and drift of everything that is to be measured, one after another.
inline void judge_rows(llama_model* model, const compose_options& o, const shift_meter& judge, std::vector<steering>& plans, composition& out) {
  example::progress_bar progress("answering");
  const std::vector<std::string> prompts = read_lines(o.prompts, o.model.lines);
  const std::vector<token_list> prose = prose_of(*model, o.prose);
  std::vector<steer::hook_ref<float>> hooks;
  for (const steering& each : plans) {
    hooks.emplace_back(std::get<steer::plan>(each));
  }
  {
    steer::llama_cpp_host host = make_judge(model, o.model, {}, prose);
    const auto drifts = steer::measure_drift(host, std::span(prose), std::span<const steer::hook_ref<float>>(hooks));
    for (std::size_t r = 0; r < plans.size(); ++r) {
      out.rows[r].prose = steer::drift(drifts[r]);
    }
  }
  std::size_t round = 0;
  const auto seen = [&](std::size_t step) {
    progress((static_cast<double>(round) + static_cast<double>(step) / static_cast<double>(o.tokens)) / static_cast<double>(plans.size() + 1));
  };
  questionnaire questions(model, o.model, prompts, o.tokens, seen);
  out.unsteered = questions.unsteered();
  for (std::size_t r = 0; r < plans.size(); ++r) {
    ++round;
    out.rows[r].shifts = judge.under(std::get<steer::plan>(plans[r]));
    out.rows[r].answers = questions.under(plans[r], seen);
  }
}

/// Keeps why something was not decoupled, each reason once, and says it at once: the answers take longest.
inline void note_failure(const std::string& why, composition& out) {
  if (std::find(out.failures.begin(), out.failures.end(), why) == out.failures.end()) {
    out.failures.push_back(why);
    std::fprintf(stderr, "not decoupled: %s\n", why.c_str());
  }
}

/// The largest |dose|.
inline double largest(const std::vector<double>& doses) {
  double out = 0.0;
  for (const double dose : doses) {
    out = std::max(out, std::abs(dose));
  }
  return out;
}

inline std::size_t longest_text(const std::vector<steer::readout>& readouts) {
  std::size_t out = 0;
  for (const steer::readout& r : readouts) {
    out = std::max(out, longest(r.texts));
  }
  return out;
}

}  // namespace detail

/// The vectors that the options name, each as long as its scale says; none if none is named.
/// @throws steer::argument_error if they are not as many as the concepts, or lack a layer; as `vectors_of` and `parse_layers`
inline std::vector<steer::steering_vector> vectors_of(const compose_options& o) {
  const std::vector<int> layers = parse_layers(o.layers);
  std::vector<steer::steering_vector> out;
  for (auto& [vector, scale] : vectors_of(o.vectors)) {
    for (const int layer : layers) {
      if (!vector.directions.contains(layer)) {
        throw steer::argument_error(steer::text({"compose: vector \"", vector.name, "\" has no layer ", steer::actual(layer)}));
      }
    }
    std::erase_if(vector.directions, [&](const auto& each) {
      return !layers.empty() && std::find(layers.begin(), layers.end(), each.first) == layers.end();
    });
    for (auto& [layer, direction] : vector.directions) {
      direction = detail::scaled(std::move(direction), scale);
    }
    out.push_back(std::move(vector));
  }
  if (!out.empty() && out.size() != o.concepts.size()) {
    throw steer::argument_error(steer::text({"compose: ", steer::actual({out.size(), " vectors"}), " are named; expected ",
                                             steer::expected({o.concepts.size(), ", one for each concept"})}));
  }
  return out;
}

/// @throws steer::argument_error if there are no concepts or doses, or answers are to be read; as `parse_layers` and `parse_selection`
inline void check(const compose_options& o) {
  if (o.concepts.empty() || o.doses.empty()) {
    throw steer::argument_error(steer::text({"compose: has ", o.concepts.size(), " concepts and ", o.doses.size(),
                                             " doses; expected at least one of each"}));
  }
  static_cast<void>(parse_layers(o.layers));
  static_cast<void>(read_lines(o.prompts, o.model.lines));  // what is wrong with them is found before anything runs
  static_cast<void>(read_lines(o.prose));
  if (std::holds_alternative<steer::answer_tokens>(parse_selection(o.tokens_read))) {
    throw steer::argument_error(steer::text({"tokens \"", steer::actual("answer"), "\": a concept's texts are requests, without answers; ",
                                             "expected ", steer::expected("last, last:N, all or mean")}));
  }
}

/// Half of each concept's pairs make its vector, a quarter its readout, and the last quarter judges. Where its vector is given, each half
/// does one of the other two.
/// @param vectors  what `vectors_of` says
/// @throws steer::argument_error if a concept has less than eight pairs; as `check`, `read_lines`, `read_pairs` and
///         `steer::measure_response`
inline composition compose(llama_model* model, const compose_options& o, std::vector<steer::steering_vector> vectors = {}) {
  check(o);
  const bool are_given = !vectors.empty();
  const std::size_t k = o.concepts.size();
  composition out;
  std::vector<steer::readout> fitted;
  std::vector<steer::readout> judging;
  for (const contrast_files& files : o.concepts) {
    const contrast_texts all = read_pairs(files.positive, files.negative, o.model.lines);
    const std::size_t n = all.positive.size();
    if (n < detail::fewest) {
      throw steer::argument_error(
          steer::text({"compose: concept \"", files.name, "\" has ", n, " pairs; expected at least ", detail::fewest}));
    }
    const std::size_t part = are_given ? n / 2 : n / 4;
    out.concepts.push_back(files.name);
    if (!are_given) {
      vectors.push_back(extract(model, o.model, part_of(all, 0, n - 2 * part),
                                {files.name, files.positive.filename().string() + " - " + files.negative.filename().string()},
                                o.tokens_read, parse_layers(o.layers)));
    }
    fitted.push_back(answer_readout(model, o.model, files.name, part_of(all, n - 2 * part, part), o.readout_tokens));
    judging.push_back(answer_readout(model, o.model, files.name, part_of(all, n - part, part), o.readout_tokens));
  }
  steer::llama_cpp_host host = make_host(model, o.model, detail::texts_at_once,
                                         std::max(detail::longest_text(fitted), detail::longest_text(judging)));
  const detail::shift_meter fit(host, std::move(fitted));
  const detail::shift_meter judge(host, std::move(judging));
  const double most = detail::largest(o.doses);
  const steer::dose_unit dose_unit;
  {
    example::progress_bar progress("measuring the response");
    out.responses.push_back(steer::measure_response(host, vectors, fit.readouts(),
                                                    {.dose_unit = dose_unit, .step = most / 2.0, .progress = std::ref(progress)}));
  }
  const steer::response& response = out.responses.front();
  const auto plan_of = [&](const std::vector<double>& doses) {
    return steer::plan{steer::recipe_of(vectors, doses, dose_unit), host.shape()};
  };

  // What is to be measured: doses first, then all of them alike.
  std::vector<steering> plans;
  const auto add = [&](composed row) {
    plans.push_back(plan_of(row.doses));
    row.expected = detail::values_of(steer::predict(response, row.doses));
    out.rows.push_back(std::move(row));
  };
  {
    example::progress_bar progress("decoupling");
    for (std::size_t i = 0; i < k; ++i) {
      for (std::size_t d = 0; d < o.doses.size(); ++d) {
        std::vector<double> doses(k);
        doses[i] = o.doses[d];
        std::vector<double> wanted(k);
        wanted[i] = fit.under(plan_of(doses))[i].value;
        add({.method = "plain", .moves = {i}, .dose = o.doses[d], .doses = doses, .expected = {}, .shifts = {}, .answers = {}});
        try {
          constexpr double close = 0.05;
          const auto met = steer::meet_targets(
              response, wanted, [&](const std::vector<double>& tried) { return detail::values_of(fit.under(plan_of(tried))); },
              {.rounds = o.rounds, .tolerance = close * std::abs(wanted[i]), .largest_step = 2.0 * most,
               .invertible = o.invertible});
          add({.method = "decoupled", .moves = {i}, .dose = o.doses[d], .doses = met.doses, .expected = {}, .shifts = {}, .answers = {}});
        } catch (const steer::numeric_error& problem) {
          detail::note_failure(problem.what(), out);
        }
        progress(static_cast<double>(i * o.doses.size() + d + 1) / static_cast<double>(k * o.doses.size()));
      }
    }
  }
  std::mt19937_64 engine(o.seed);
  for (int n = 0; n < o.controls; ++n) {
    plans.emplace_back(std::in_place_type<steer::plan>, steer::recipe_of({detail::random_direction_like(vectors.front(), engine)}, {most}, dose_unit), host.shape());
    out.rows.push_back({.method = "random", .moves = {}, .dose = most, .doses = {}, .expected = {}, .shifts = {}, .answers = {}});
  }
  detail::judge_rows(model, o, judge, plans, out);
  return out;
}

}  // namespace llama_steer
