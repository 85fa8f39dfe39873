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
inline std::vector<double> explained_by_prediction(const subject& what, const std::vector<steer::steering_vector>& vectors,
                                                   const steer::dosage& dosage, std::uint64_t seed) {
  constexpr int stacks = 32;
  constexpr double most = 0.4;
  reference::decoder reader(what.model, {.sequences = 8, .max_rows = 1024});
  const auto known = what.fixed_readouts(seed + 2'000'003);
  const auto others = what.fixed_readouts(seed + 3'000'003);
  const steer::response measured = steer::measure_response(reader, vectors, known, {.dosage = dosage, .step = most});
  const auto unsteered = steer::read_out(reader, others);
  std::mt19937_64 engine(seed);
  const auto k = static_cast<Eigen::Index>(vectors.size());
  Eigen::MatrixXd predicted(stacks, k);
  Eigen::MatrixXd found(stacks, k);
  for (int s = 0; s < stacks; ++s) {
    std::vector<double> doses;
    for (std::size_t j = 0; j < vectors.size(); ++j) {
      doses.push_back(most * (2.0 * reference::uniform(engine) - 1.0));
    }
    const steer::plan plan{steer::recipe_of(vectors, doses, dosage), what.model->shape()};
    const auto steered = steer::read_out(reader, others, plan);
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

/// The vectors of every method that finds directions.
inline std::vector<std::pair<std::string, std::vector<steer::steering_vector>>> all_methods(const subject& what, int threads,
                                                                                           const progress& report) {
  std::vector<std::pair<std::string, std::vector<steer::steering_vector>>> out{
      {"mean_difference", {}}, {"principal_component", {}}, {"whitened_difference", {}}, {"probe", {}}};
  for (auto& [method, vectors] : out) {
    vectors.resize(what.concepts.size());
  }
  for_each_parallel(what.concepts.size(), threads, report, [&](std::size_t i, int) {
    std::set<std::pair<token_list, token_list>> seen;  // a pair that comes twice would judge what it has taught
    std::vector<std::pair<token_list, token_list>> distinct;
    std::copy_if(what.concepts[i].pairs.begin(), what.concepts[i].pairs.end(), std::back_inserter(distinct),
                 [&](const auto& pair) { return seen.insert(pair).second; });
    const steer::recorder recorder = record(what, distinct, [] {});
    const steer::vector_name name{.name = what.concepts[i].name, .contrast = what.concepts[i].description};
    out[0].second[i] = steer::mean_difference(recorder, name);
    out[1].second[i] = steer::find_directions(recorder, name, steer::by_principal_component{});
    out[2].second[i] = steer::find_directions(recorder, name, steer::by_whitened_difference{});
    out[3].second[i] = steer::find_directions(recorder, name, steer::by_probe{});
  });
  return out;
}

}  // namespace detail

/// @throws what extraction, `meet_targets` and writing throw
inline composition run_composition(const subject& what, const compose_options& o, const reporter& begin) {
  const std::size_t k = what.concepts.size();
  composition out;
  compose_table& table = out.table;
  table.soundness = what.soundness;
  table.fields = what.fields;
  for (const contrast& c : what.concepts) {
    table.concepts.push_back(c.name);
  }
  const auto methods = detail::all_methods(what, o.threads, begin("reading"));
  const auto& vectors = methods.front().second;
  const auto joint = steer::lowdin(vectors);
  const composer measure(what, o, o.trial);
  const composer measure_closely(what, o, o.single_trial);
  out.response = measure.response(vectors, static_cast<double>(o.strength), begin("response"));

  const std::vector<stack> singles = stacks_of(1, k);
  std::vector<stack> stacks = stacks_of(2, k);
  const std::vector<stack> of_three = stacks_of(3, k);
  stacks.insert(stacks.end(), of_three.begin(), of_three.end());

  // Single concepts: all to the same own effect.
  std::vector<double> targets(singles.size());
  std::vector<double> stack_targets(singles.size());  // of what has no goal, on as many texts as a stack is tried on
  std::vector<composed> decoupled(singles.size());
  std::vector<std::vector<composed>> plain(methods.size() + 1, std::vector<composed>(singles.size()));  // the last: joint
  for_each_parallel(singles.size(), o.threads, begin("decoupling"), [&](std::size_t s, int) {
    const wish w = singles[s].front();
    std::vector<double> doses(k);
    doses[w.index] = w.sign * static_cast<double>(o.strength);
    targets[s] = what.goal ? w.sign * detail::log_odds(*what.goal) - measure_closely.baseline(w.index)
                           : measure_closely.shifts(vectors, doses)[w.index].value;
    std::vector<double> wanted(k);
    wanted[w.index] = targets[s];
    const auto near = measure.decoupled(vectors, out.response, wanted, {.rounds = 6, .tolerance = 0.05});
    const auto met = measure_closely.decoupled(vectors, out.response, wanted, {.rounds = 6, .start = near.doses});
    decoupled[s] = {"decoupled mean_difference", singles[s], met.doses, {}};
    stack_targets[s] = what.goal ? targets[s] : measure.shifts(vectors, met.doses)[w.index].value;
    if (what.goal) {
      doses[w.index] = measure.plain(vectors, out.response, w.index, targets[s], {.rounds = 5, .tolerance = 0.05});
    }
    plain[0][s] = {"plain mean_difference", singles[s], doses, {}};
  });
  for_each_parallel((methods.size()) * singles.size(), o.threads, begin("other methods"), [&](std::size_t item, int) {
    const std::size_t m = item / singles.size() + 1;
    const std::size_t s = item % singles.size();
    const wish w = singles[s].front();
    const bool is_joint = m == methods.size();
    std::vector<double> doses(k);
    const steer::meet_options coarse{.rounds = 5, .tolerance = 0.1,
                                     .start = {plain[0][s].doses[w.index]}, .invertible = {.least_signal = 0.0}};
    doses[w.index] = measure.plain(is_joint ? joint : methods[m].second, out.response, w.index, targets[s], coarse);
    plain[m][s] = {is_joint ? "joint mean_difference" : "plain " + methods[m].first, singles[s], doses, {}};
  });

  // Stacks: plain and joint doses add up; decoupled ones start from the sum and are met together.
  const auto single_of = [&](const wish& w) {
    return static_cast<std::size_t>(std::find(singles.begin(), singles.end(), stack{w}) - singles.begin());
  };
  const auto summed = [&](const std::vector<composed>& of, const stack& s) {
    std::vector<double> doses(k);
    for (const wish& w : s) {
      for (std::size_t j = 0; j < k; ++j) {
        doses[j] += of[single_of(w)].doses[j];
      }
    }
    return doses;
  };
  std::vector<composed> decoupled_stacks(stacks.size());
  for_each_parallel(stacks.size(), o.threads, begin("decoupling stacks"), [&](std::size_t s, int) {
    std::vector<double> wanted(k);
    for (const wish& w : stacks[s]) {
      wanted[w.index] = stack_targets[single_of(w)];
    }
    // With a goal no concept is near the end of what it can do, so that the sum is near already.
    const auto met = measure.decoupled(vectors, out.response, wanted, {.rounds = what.goal ? 3 : 6, .tolerance = 0.05,
                                                                       .start = summed(decoupled, stacks[s])});
    decoupled_stacks[s] = {"decoupled mean_difference", stacks[s], met.doses, {}};
  });

  // Judged.
  std::vector<steer::plan> plans;
  const auto add = [&](composed row, const std::vector<steer::steering_vector>& with) {
    plans.emplace_back(steer::recipe_of(with, row.doses, measure.dosage()), what.model->shape());
    table.rows.push_back(std::move(row));
  };
  for (const auto& row : decoupled) {
    add(row, vectors);
  }
  for (const auto& row : decoupled_stacks) {
    add(row, vectors);
  }
  for (std::size_t m = 0; m < plain.size(); ++m) {
    const auto& with = m == methods.size() ? joint : methods[m].second;
    for (const auto& row : plain[m]) {
      add(row, with);
    }
    if (m == 0 || m == methods.size()) {
      for (const stack& s : stacks) {
        add({plain[m].front().method, s, summed(plain[m], s), {}}, with);
      }
    }
  }
  constexpr int controls = 10;
  std::mt19937_64 engine(o.seed + 1);
  double strength = 0.0;
  for (const composed& row : decoupled) {
    strength += detail::strength_of(row) * (row.stack.front().sign) / static_cast<double>(decoupled.size());
  }
  for (int n = 0; n < controls; ++n) {
    auto random = vectors;
    random[0] = steer::detail::random_like(random[0], engine);
    std::vector<double> doses(k);
    doses[0] = strength;
    add({"random", {}, doses, {}}, random);
  }
  table.baseline.resize(static_cast<std::size_t>(std::max(o.single_texts, o.texts)));
  for_each_parallel(table.rows.size() + 2, o.threads, begin("judging"), [&](std::size_t item, int) {
    if (item == 0) {  // what takes longest
      if (what.fixed_readouts) {
        out.explained = detail::explained_by_prediction(what, vectors, measure.dosage(), o.seed);
      }
    } else if (item == 1) {
      table.baseline = measure.judged({}, static_cast<int>(table.baseline.size()));
    } else {
      const std::size_t r = item - 2;
      table.rows[r].texts = measure.judged(plans[r], r < singles.size() ? o.single_texts : o.texts);
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
