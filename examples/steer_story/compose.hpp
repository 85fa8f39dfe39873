// steer_story/compose.hpp: doses that move one concept, or several, and no other: plain, joint and decoupled, side by side.
//
// All are brought to the same own effect before they are compared. Doses are decoupled where the model writes: the readouts
// are taken on texts written under the very doses, so what a story has said so far counts as well.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "steer/inject/plan.hpp"
#include "steer/measure/measure_response.hpp"
#include "steer/measure/meet_targets.hpp"
#include "steer/measure/take_readings.hpp"
#include "steer/recipe/recipe_of.hpp"
#include "steer_story/dose_table.hpp"
#include "steer_story/experiment.hpp"
#include "steer_story/subject.hpp"

namespace steer_story {

struct compose_options {
  int layer = 0;
  int threads = 1;
  std::uint64_t seed = 1;
  int single_texts = 4096;  ///< judged under each decoupled dose of one concept
  int texts = 128;          ///< judged under every other dose
  int single_trial = 1024;  ///< written under each dose that is tried for one concept, other texts than those that are judged
  int trial = 128;          ///< under every other dose that is tried
  float strength = 0.2F;    ///< of a plain dose, where the subject has no goal; of the random directions
};

/// One concept of a stack, and which way.
struct wish {
  std::size_t index = 0;
  int sign = 1;
  bool operator==(const wish&) const = default;
};
using stack = std::vector<wish>;

/// What was found in the texts under one set of doses.
struct composed {
  std::string method;
  steer_story::stack stack;  ///< empty: a random direction
  std::vector<double> doses;
  std::vector<tally> texts;
};

/// Every stack of so many different concepts, both ways each.
inline std::vector<stack> stacks_of(std::size_t size, std::size_t concepts) {
  std::vector<stack> out{{}};
  for (std::size_t step = 0; step < size; ++step) {
    std::vector<stack> longer;
    for (const stack& s : out) {
      for (std::size_t next = s.empty() ? 0 : s.back().index + 1; next < concepts; ++next) {
        for (const int sign : {-1, 1}) {
          longer.push_back(s);
          longer.back().push_back({next, sign});
        }
      }
    }
    out = std::move(longer);
  }
  return out;
}

/// "mood+verbose-"; "random" for no concept.
inline std::string to_string(const stack& s, const std::vector<std::string>& concepts) {
  std::string out;
  for (const wish& w : s) {
    out += concepts[w.index] + (w.sign > 0 ? "+" : "-");
  }
  return out.empty() ? "random" : out;
}

/// What a dose of 1 of each concept is.
using moves = std::vector<steer::recipe>;

/// One vector for each concept, added after a layer in shares of each row's norm.
inline moves moves_after(int layer, const std::vector<steer::steering_vector>& vectors) {
  moves out;
  for (const steer::steering_vector& v : vectors) {
    out.push_back(steer::recipe_of({v}, {1.0}, {steer::strength_unit::of_row_norm, {layer}}));
  }
  return out;
}

/// Measures doses on a subject's own writing. For several threads at once.
class composer {
 public:
  /// @param trial        texts written under each dose that is tried
  /// @param least_sound  shifts of texts less sound than this share of what they are unsteered are not finite, so that doses
  ///                     turn back
  composer(const subject& what, const compose_options& options, int trial, double least_sound = 0.0)
      : what_(what), options_(options), trial_(trial) {
    const std::vector<text> written = written_under({});
    unsteered_ = what_.read(written);
    least_sound_ = least_sound > 0.0 ? least_sound * sound_share(written) : 0.0;
  }

  /// Where each concept stands without steering, in nats.
  [[nodiscard]] double baseline(std::size_t index) const { return steer::value_of(unsteered_[index]).value; }

  /// The shift of every concept, in nats, in texts written under these doses.
  [[nodiscard]] std::vector<steer::estimate> shifts(const moves& of, const std::vector<double>& doses) const {
    const auto steered = readings_under({steer::recipe_of(of, doses), what_.model->shape()});
    std::vector<steer::estimate> out;
    for (std::size_t i = 0; i < steered.size(); ++i) {
      out.push_back(steer::shift_of(unsteered_[i], steered[i]));
    }
    return out;
  }

  /// The slopes at half of the dose that is to be worked with, column by column.
  [[nodiscard]] steer::response response(const moves& of, double step, const progress& report) const {
    const std::size_t k = of.size();
    std::vector<steer::steering_vector> named(k);
    std::vector<std::string> names;
    for (std::size_t i = 0; i < k; ++i) {
      names.push_back(named[i].name = what_.concepts[i].name);
    }
    steer::response out = steer::unmeasured_response(named, std::move(names), what_.model->shape(),
                                                     {steer::strength_unit::of_row_norm, {options_.layer}}, step);
    for (std::size_t i = 0; i < k; ++i) {
      out.baseline[static_cast<Eigen::Index>(i)] = baseline(i);
    }
    for_each_parallel(k, options_.threads, report, [&](std::size_t j, int) {
      std::vector<double> doses(k);
      doses[j] = -step;
      const auto less = readings_under({steer::recipe_of(of, doses), what_.model->shape()});
      doses[j] = step;
      const auto more = readings_under({steer::recipe_of(of, doses), what_.model->shape()});
      steer::take_slopes(out, static_cast<Eigen::Index>(j), less, more);
    });
    return out;
  }

  /// Doses of all concepts that meet all targets.
  [[nodiscard]] steer::met_targets decoupled(const moves& of, const steer::response& measured, const std::vector<double>& targets,
                                             const steer::meet_options& options) const {
    return steer::meet_targets(
        measured, targets,
        [&](const std::vector<double>& doses) {
          std::vector<double> out;
          for (const steer::estimate& moved : shifts(of, doses)) {
            out.push_back(moved.value);
          }
          return out;
        },
        options);
  }

  /// The dose of one concept that gives it the target, whatever it does to the others.
  [[nodiscard]] double plain(const moves& of, const steer::response& measured, std::size_t index, double target,
                             const steer::meet_options& options) const {
    const auto at = static_cast<Eigen::Index>(index);
    steer::response own{.readouts = {measured.readouts[index]}, .vectors = {measured.vectors[index]},
                        .dose_unit = measured.dose_unit, .step = measured.step};
    own.baseline = measured.baseline.segment(at, 1);
    own.slope = measured.slope.block(at, at, 1, 1);
    own.error = measured.error.block(at, at, 1, 1);
    own.bend = measured.bend.block(at, at, 1, 1);
    const auto met = steer::meet_targets(
        own, {target},
        [&](const std::vector<double>& dose) {
          std::vector<double> all(of.size());
          all[index] = dose.front();
          return std::vector<double>{shifts(of, all)[index].value};
        },
        options);
    return met.doses.front();
  }

  /// What the judge finds in texts that nobody calibrated on.
  [[nodiscard]] std::vector<tally> judged(const steer::plan& plan, int texts) const {
    const auto written = write(what_, {&plan, 1}, {.texts = texts, .threads = 1, .seed = options_.seed, .batch = batch}, [](double) {});
    return judge(what_, written.front());
  }

 private:
  static constexpr int batch = 64;

  [[nodiscard]] std::vector<text> written_under(const steer::plan& plan) const {
    return write(what_, {&plan, 1},
                 {.texts = trial_, .threads = 1, .seed = options_.seed + 1'000'003, .batch = batch, .keep_logits = true},
                 [](double) {}).front();
  }

  [[nodiscard]] double sound_share(const std::vector<text>& written) const { return rate(judge(what_, written), soundness).value; }

  [[nodiscard]] std::vector<steer::readings> readings_under(const steer::plan& plan) const {
    const std::vector<text> written = written_under(plan);
    auto found = what_.read(written);
    if (least_sound_ > 0.0 && sound_share(written) < least_sound_) {
      for (steer::readings& r : found) {
        r.samples.assign(r.samples.size(), {});
      }
    }
    return found;
  }

  const subject& what_;
  compose_options options_;
  int trial_;
  std::vector<steer::readings> unsteered_;
  double least_sound_ = 0.0;  ///< as `tally::sound` counts
};

/// All that was measured.
struct compose_table {
  std::vector<std::string> concepts;
  std::vector<field> fields;  ///< what of a tally is the rate of each concept
  std::string soundness;
  std::vector<tally> baseline;  ///< as many texts as the longest row has; the first ones belong to shorter rows
  std::vector<composed> rows;
};

namespace detail {

inline std::span<const tally> baseline_of(const compose_table& table, const composed& row) {
  return std::span(table.baseline).first(row.texts.size());
}

inline double strength_of(const composed& row) {
  double out = 0.0;
  for (const double dose : row.doses) {
    out = std::max(out, std::abs(dose));
  }
  return row.stack.size() == 1 ? row.doses[row.stack.front().index] : out;
}

inline bool steers(const composed& row, std::size_t index) {
  return std::any_of(row.stack.begin(), row.stack.end(), [&](const wish& w) { return w.index == index; });
}

}  // namespace detail

/// A line per row and concept: `stderr` is that of rate less baseline, by texts, which began and drew alike. `strength` is the
/// own dose of a single concept, the largest of a stack's.
inline void write_csv(const compose_table& table, std::ostream& out) {
  out << "method,stack,strength,attribute,rate,baseline,grammatical,stderr\n";
  for (const composed& row : table.rows) {
    const auto baseline = detail::baseline_of(table, row);
    for (std::size_t i = 0; i < table.concepts.size(); ++i) {
      out << detail::format("%s,%s,%.4f,%s,%.6f,%.6f,%.6f,%.6f\n", row.method.c_str(), to_string(row.stack, table.concepts).c_str(),
                            detail::strength_of(row), table.concepts[i].c_str(), rate(row.texts, table.fields[i]).value,
                            rate(baseline, table.fields[i]).value, rate(row.texts, soundness).value,
                            shift(row.texts, baseline, table.fields[i]).error);
    }
  }
}

/// One line for each method and size of stack: how far concepts that nobody asked for move, in the mean over stacks of the
/// worst, and at worst.
inline std::string to_string(const compose_table& table, const terminal& out) {
  std::string text = out.paint(detail::format("%-38s%8s%8s%14s%14s%20s", "method", "stacks", "texts", "mean bleed", "worst bleed",
                                              ("least " + table.soundness).c_str()),
                               colour::bold) + "\n";
  std::vector<std::pair<std::string, std::size_t>> kinds;
  for (const composed& row : table.rows) {
    if (std::pair kind{row.method, row.stack.size()}; std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) {
      kinds.push_back(kind);
    }
  }
  for (const auto& [method, size] : kinds) {
    double sum = 0.0;
    double least = 1.0;
    int count = 0;
    estimate worst;
    std::size_t texts = 0;
    for (const composed& row : table.rows) {
      if (row.method != method || row.stack.size() != size) {
        continue;
      }
      estimate largest;
      for (std::size_t i = 0; i < table.concepts.size(); ++i) {
        const estimate moved = shift(row.texts, detail::baseline_of(table, row), table.fields[i]);
        if (!detail::steers(row, i) && !(std::abs(moved.value) <= std::abs(largest.value))) {
          largest = {std::abs(moved.value), moved.error};
        }
      }
      sum += largest.value;
      worst = largest.value > worst.value ? largest : worst;
      least = std::min(least, rate(row.texts, soundness).value);
      texts = row.texts.size();
      ++count;
    }
    text += detail::format("%-38s%8d%8zu%14.3f", (method + ", " + std::to_string(size) + (size == 1 ? " concept" : " concepts")).c_str(),
                           count, texts, sum / count) +
            detail::cell(detail::fine_share, worst, detail::column_width) + detail::format("%20.3f\n", least);
  }
  return text;
}

}  // namespace steer_story
