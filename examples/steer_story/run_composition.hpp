// steer_story/run_composition.hpp: every method, every way of dosing, alone and in stacks, on one subject.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "steer/compose/orthogonalise.hpp"
#include "steer/extract/find_directions.hpp"
#include "steer/measure/measure_response.hpp"
#include "steer_story/compose.hpp"

namespace steer_story {

/// Begins a part of the work, with a name for people; what it returns is told how much is done.
using reporter = std::function<progress(const std::string&)>;

/// What a composition found, besides its rows.
struct composition {
  compose_table table;
  steer::response response;               ///< on the subject's own writing
  std::vector<double> explained;          ///< per concept: R² of predicted against measured shifts; empty if not measured
};

namespace detail {

inline double log_odds(double rate) { return std::log(rate / (1.0 - rate)); }

/// R² of the shifts that a response predicts for random stacks, against those measured on other texts.
///
/// Slopes are taken at the largest dose of a stack: the other doses bend a concept's shift as a larger one of its own would.
inline std::vector<double> explained_by_prediction(const subject& what, const moves& of, std::uint64_t seed) {
  constexpr int stacks = 32;
  constexpr double most = 0.4;
  reference::decoder reader(what.model, {.sequences = 8, .max_rows = 1024});
  const auto known = what.fixed_readouts(seed + 2'000'003);
  const auto others = what.fixed_readouts(seed + 3'000'003);
  const steer::response measured = steer::measure_response(reader, of, known, {.step = most});
  const auto unsteered = steer::take_readings(reader, others);
  std::mt19937_64 engine(seed);
  const auto k = static_cast<Eigen::Index>(of.size());
  Eigen::MatrixXd predicted(stacks, k);
  Eigen::MatrixXd found(stacks, k);
  for (int s = 0; s < stacks; ++s) {
    std::vector<double> doses;
    for (std::size_t j = 0; j < of.size(); ++j) {
      doses.push_back(most * (2.0 * reference::uniform(engine) - 1.0));
    }
    const steer::plan plan{steer::recipe_of(of, doses), what.model->shape()};
    const auto steered = steer::take_readings(reader, others, plan);
    const auto expected = steer::predict(measured, doses);
    for (Eigen::Index i = 0; i < k; ++i) {
      const auto at = static_cast<std::size_t>(i);
      predicted(s, i) = expected[at].value;
      found(s, i) = steer::shift_of(unsteered[at], steered[at]).value;
    }
  }
  std::vector<double> out;
  for (Eigen::Index i = 0; i < k; ++i) {
    const double left = (found.col(i) - predicted.col(i)).squaredNorm();
    out.push_back(1.0 - left / (found.col(i).array() - found.col(i).mean()).matrix().squaredNorm());
  }
  return out;
}

/// A way of dosing that gives each concept a vector of its own, named as in the table.
struct method {
  std::string name;
  std::vector<steer::steering_vector> vectors;
  steer_story::moves moves = {};
};

/// The vectors of every method that finds directions, and last the mean differences made orthogonal.
inline std::vector<method> all_methods(const subject& what, int layer, int threads, const progress& report) {
  std::vector<method> out{
      {"plain mean_difference", {}}, {"plain principal_component", {}}, {"plain whitened_difference", {}}, {"plain probe", {}}};
  for (method& m : out) {
    m.vectors.resize(what.concepts.size());
  }
  for_each_parallel(what.concepts.size(), threads, report, [&](std::size_t i, int) {
    std::set<std::pair<token_list, token_list>> seen;  // a pair that comes twice would judge what it has taught
    std::vector<std::pair<token_list, token_list>> distinct;
    std::copy_if(what.concepts[i].pairs.begin(), what.concepts[i].pairs.end(), std::back_inserter(distinct),
                 [&](const auto& pair) { return seen.insert(pair).second; });
    const steer::recorder recorder = record(what, distinct, [] {});
    const steer::vector_name name{.name = what.concepts[i].name, .contrast = what.concepts[i].description};
    out[0].vectors[i] = steer::mean_difference(recorder, name);
    out[1].vectors[i] = steer::find_directions(recorder, name, steer::by_principal_component{});
    out[2].vectors[i] = steer::find_directions(recorder, name, steer::by_whitened_difference{});
    out[3].vectors[i] = steer::find_directions(recorder, name, steer::by_probe{});
  });
  out.push_back({"joint mean_difference", steer::lowdin(out.front().vectors)});
  for (method& m : out) {
    m.moves = moves_after(layer, m.vectors);
  }
  return out;
}

/// What all phases of a composition work with.
struct setting {
  const subject& what;
  const compose_options& options;
  const reporter& begin;
  std::vector<method> methods;  ///< the first gives the vectors that are decoupled
  composer measure;
  composer measure_closely;     ///< on more texts, from doses that are near: their way may lead through broken texts
  std::vector<stack> singles;
  steer::response response = {};

  setting(const subject& on, const compose_options& o, const reporter& report)
      : what(on), options(o), begin(report), methods(all_methods(what, o.layer, o.threads, begin("reading"))),
        measure(what, o, o.trial, what.least_sound), measure_closely(what, o, o.single_trial), singles(stacks_of(1, what.concepts.size())) {
    response = measure.response(moves(), static_cast<double>(o.strength), begin("response"));
  }
  [[nodiscard]] std::size_t concepts() const { return what.concepts.size(); }
  [[nodiscard]] const std::vector<steer::steering_vector>& vectors() const { return methods.front().vectors; }
  [[nodiscard]] const steer_story::moves& moves() const { return methods.front().moves; }
  [[nodiscard]] std::size_t single_of(const wish& w) const {
    return static_cast<std::size_t>(std::find(singles.begin(), singles.end(), stack{w}) - singles.begin());
  }
  /// What the doses of a stack's concepts alone add up to.
  [[nodiscard]] std::vector<double> summed(const std::vector<composed>& of, const stack& s) const {
    std::vector<double> doses(concepts());
    for (const wish& w : s) {
      for (std::size_t j = 0; j < doses.size(); ++j) {
        doses[j] += of[single_of(w)].doses[j];
      }
    }
    return doses;
  }
};

/// Doses of single concepts, in the order of `setting::singles`.
struct single_doses {
  std::vector<composed> decoupled;
  std::vector<std::vector<composed>> plain;  ///< by method
  std::vector<double> stack_targets;         ///< what of each a stack is to reach, in nats
};

/// All ways of dosing, brought to the same own effect.
inline single_doses dose_singles(const setting& s) {
  const std::size_t k = s.concepts();
  const std::size_t n = s.singles.size();
  std::vector<double> targets(n);
  single_doses out{std::vector<composed>(n), std::vector<std::vector<composed>>(s.methods.size(), std::vector<composed>(n)),
                   std::vector<double>(n)};
  for_each_parallel(n, s.options.threads, s.begin("decoupling"), [&](std::size_t at, int) {
    const wish w = s.singles[at].front();
    std::vector<double> doses(k);
    doses[w.index] = w.sign * static_cast<double>(s.options.strength);
    targets[at] = s.what.goal ? w.sign * log_odds(*s.what.goal) - s.measure_closely.baseline(w.index)
                              : s.measure_closely.shifts(s.moves(), doses)[w.index].value;
    std::vector<double> wanted(k);
    wanted[w.index] = targets[at];
    const auto near = s.measure.decoupled(s.moves(), s.response, wanted, {.rounds = 6, .tolerance = 0.05});
    const auto met = s.measure_closely.decoupled(s.moves(), s.response, wanted, {.rounds = 6, .start = near.doses});
    out.decoupled[at] = {"decoupled mean_difference", s.singles[at], met.doses, {}};
    // Without a goal: what these doses do on as many texts as a stack is tried on.
    out.stack_targets[at] = s.what.goal ? targets[at] : s.measure.shifts(s.moves(), met.doses)[w.index].value;
    if (s.what.goal) {
      doses[w.index] = s.measure.plain(s.moves(), s.response, w.index, targets[at], {.rounds = 5, .tolerance = 0.05});
    }
    out.plain[0][at] = {s.methods[0].name, s.singles[at], doses, {}};
  });
  for_each_parallel((s.methods.size() - 1) * n, s.options.threads, s.begin("other methods"), [&](std::size_t item, int) {
    const std::size_t m = item / n + 1;
    const std::size_t at = item % n;
    const wish w = s.singles[at].front();
    std::vector<double> doses(k);
    const steer::meet_options coarse{.rounds = 5, .tolerance = 0.1,
                                     .start = {out.plain[0][at].doses[w.index]}, .invertible = {.least_signal = 0.0}};
    doses[w.index] = s.measure.plain(s.methods[m].moves, s.response, w.index, targets[at], coarse);
    out.plain[m][at] = {s.methods[m].name, s.singles[at], doses, {}};
  });
  return out;
}

/// Decoupled doses of stacks: they start from the sum of the single ones and are met together.
inline std::vector<composed> dose_stacks(const setting& s, const single_doses& singles, const std::vector<stack>& stacks) {
  std::vector<composed> out(stacks.size());
  for_each_parallel(stacks.size(), s.options.threads, s.begin("decoupling stacks"), [&](std::size_t at, int) {
    std::vector<double> wanted(s.concepts());
    for (const wish& w : stacks[at]) {
      wanted[w.index] = singles.stack_targets[s.single_of(w)];
    }
    // With a goal no concept is near the end of what it can do, so that the sum is near already.
    const auto met = s.measure.decoupled(s.moves(), s.response, wanted, {.rounds = s.what.goal ? 3 : 6, .tolerance = 0.05,
                                                                           .start = s.summed(singles.decoupled, stacks[at])});
    out[at] = {"decoupled mean_difference", stacks[at], met.doses, {}};
  });
  return out;
}

}  // namespace detail

/// @throws what extraction, `meet_targets` and writing throw
inline composition run_composition(const subject& what, const compose_options& o, const reporter& begin) {
  const detail::setting s(what, o, begin);
  const std::size_t k = s.concepts();
  composition out;
  out.response = s.response;
  compose_table& table = out.table;
  table.soundness = what.soundness;
  table.fields = what.fields;
  for (const contrast& c : what.concepts) {
    table.concepts.push_back(c.name);
  }
  std::vector<stack> stacks = stacks_of(2, k);
  const std::vector<stack> of_three = stacks_of(3, k);
  stacks.insert(stacks.end(), of_three.begin(), of_three.end());
  const detail::single_doses singles = detail::dose_singles(s);
  const std::vector<composed> decoupled_stacks = detail::dose_stacks(s, singles, stacks);

  std::vector<steer::plan> plans;  // of the rows
  const auto add = [&](composed row, const moves& with) {
    plans.emplace_back(steer::recipe_of(with, row.doses), what.model->shape());
    table.rows.push_back(std::move(row));
  };
  for (const auto* const rows : {&singles.decoupled, &decoupled_stacks}) {
    for (const composed& row : *rows) {
      add(row, s.moves());
    }
  }
  for (std::size_t m = 0; m < s.methods.size(); ++m) {
    const detail::method& with = s.methods[m];
    for (const composed& row : singles.plain[m]) {
      add(row, with.moves);
    }
    if (m == 0 || m + 1 == s.methods.size()) {  // plain and joint doses add up
      for (const stack& each : stacks) {
        add({with.name, each, s.summed(singles.plain[m], each), {}}, with.moves);
      }
    }
  }
  constexpr int controls = 10;
  std::mt19937_64 engine(o.seed + 1);
  double strength = 0.0;
  for (const composed& row : singles.decoupled) {
    strength += detail::strength_of(row) * row.stack.front().sign / static_cast<double>(singles.decoupled.size());
  }
  for (int n = 0; n < controls; ++n) {
    auto random = s.vectors();
    std::normal_distribution<float> normal;
    random[0] = steer::random_like(random[0], [&] { return normal(engine); });
    std::vector<double> doses(k);
    doses[0] = strength;
    add({"random", {}, doses, {}}, moves_after(o.layer, random));
  }

  table.baseline.resize(static_cast<std::size_t>(std::max(o.single_texts, o.texts)));
  for_each_parallel(table.rows.size() + 2, o.threads, begin("judging"), [&](std::size_t item, int) {
    if (item == 0) {  // what takes longest
      if (what.fixed_readouts) {
        out.explained = detail::explained_by_prediction(what, s.moves(), o.seed);
      }
    } else if (item == 1) {
      table.baseline = s.measure.judged({}, static_cast<int>(table.baseline.size()));
    } else {
      const std::size_t r = item - 2;
      table.rows[r].texts = s.measure.judged(plans[r], r < s.singles.size() ? o.single_texts : o.texts);
    }
  });
  return out;
}

/// What decoupling promises, and what came of it.
inline std::string summary(const composition& found) {
  const compose_table& table = found.table;
  double bound = 0.0;
  double error = 0.0;
  double apart = 0.0;
  std::string text;
  for (const composed& row : table.rows) {
    if (row.method.rfind("decoupled", 0) != 0) {
      continue;
    }
    const auto baseline = detail::baseline_of(table, row);
    for (std::size_t i = 0; i < table.concepts.size(); ++i) {
      const estimate moved = shift(row.texts, baseline, table.fields[i]);
      if (row.stack.size() == 1) {
        error = std::max(error, moved.error);
        if (!detail::steers(row, i)) {
          bound = std::max(bound, std::abs(moved.value) + 1.96 * moved.error);
        }
      }
      const auto own = std::find_if(row.stack.begin(), row.stack.end(), [&](const wish& w) { return w.index == i; });
      if (row.stack.size() == 3 && own != row.stack.end()) {
        const auto alone = std::find_if(table.rows.begin(), table.rows.end(), [&](const composed& other) {
          return other.method == row.method && other.stack == stack{*own};
        });
        apart = std::max(apart, std::abs(rate(row.texts, table.fields[i]).value - rate(alone->texts, table.fields[i]).value));
      }
    }
    if (row.stack.size() == 1) {
      text += detail::format("%-11s%+.2f  own rate %.3f  %s %.3f  others", to_string(row.stack, table.concepts).c_str(),
                             detail::strength_of(row), rate(row.texts, table.fields[row.stack.front().index]).value,
                             table.soundness.c_str(), rate(row.texts, soundness).value);
      for (std::size_t i = 0; i < table.concepts.size(); ++i) {
        if (!detail::steers(row, i)) {
          const estimate moved = shift(row.texts, baseline, table.fields[i]);
          text += detail::format("  %s %+.3f ±%.3f", table.concepts[i].c_str(), moved.value, moved.error);
        }
      }
      text += "\n";
    }
  }
  text += detail::format("decoupled singles: others shift by at most %.3f (95 %% bound), largest standard error %.4f\n", bound, error);
  text += detail::format("decoupled stacks of three: a concept is at most %.3f from where it is alone\n", apart);
  for (std::size_t i = 0; i < found.explained.size(); ++i) {
    text += detail::format("%s%s %.3f", i == 0 ? "predicted against measured log-odds of 32 random stacks, R2: " : ", ",
                           table.concepts[i].c_str(), found.explained[i]);
  }
  return text + (found.explained.empty() ? "" : "\n");
}

}  // namespace steer_story
