// tests/inject/naive.hpp: what a recipe does to a row, edit after edit, written a second time from its documentation.
//
// It shares nothing with plans and sessions but the data of the edits: layers, columns, schedules, gates and norm modes are
// worked out here. (The edits' own formulas: naive_formula.hpp.)
#pragma once

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "inject/naive_formula.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/recipe/recipe.hpp"

namespace toy {

/// The latched shares by edit, layer that was read, and sequence.
using latch_memory = std::map<std::tuple<std::size_t, int, std::int32_t>, double>;

/// One edit at one site, for its columns of the row.
struct naive_step {
  std::size_t place;  // in the recipe
  int layer;
  Index first_column;
  Index width;
  bool acts;     // else only its gate is read here
  bool latches;  // the prompt's last row decides here
};

inline double naive_weight(const steer::schedule& rows, const steer::row_info& row) {
  const auto among = [&](const auto& list) { return std::count(list.begin(), list.end(), row.position) > 0; };
  const bool of_prompt = row.phase == steer::phase::prompt;
  if (among(rows.except) || (rows.phase && *rows.phase != row.phase) || row.position < rows.first ||
      row.position > rows.last || (!rows.positions.empty() && !among(rows.positions)) ||
      (rows.last_of_prompt && (!of_prompt || row.prompt_length - row.position > *rows.last_of_prompt))) {
    return 0.0;
  }
  const bool from_generation = rows.phase == steer::phase::generation;
  const double passed = row.position - (from_generation ? std::max(rows.first, row.prompt_length) : rows.first);
  return std::pow(0.5, passed / static_cast<double>(rows.half_life));
}

/// The combination of the gate's shares; its own share is not in it.
inline double naive_share(const steer::gate& gate, int layer, const VectorXd& h, observer& see) {
  double least = std::numeric_limits<double>::infinity();
  double most = -least;
  for (const steer::condition& asked : gate.conditions) {
    double x = see.along(unit_of(asked.vector, layer), h);
    if (asked.reading == steer::reading::cosine) {
      const double norm = see.norm(h);
      x = norm > 0.0 ? x / norm : 0.0;
    }
    const double low = asked.low;
    double share = 0.0;
    switch (asked.curve) {
      case steer::gate_curve::above: share = see.side(x > low) ? 1.0 : 0.0; break;
      case steer::gate_curve::within: {
        const bool enough = see.side(x >= low);
        share = see.side(x <= static_cast<double>(asked.high)) && enough ? 1.0 : 0.0;
        break;
      }
      case steer::gate_curve::sigmoid:
        share = 1.0 / (1.0 + std::exp(-static_cast<double>(asked.slope) * (x - low)));
        break;
      case steer::gate_curve::excess: share = std::max(0.0, std::abs(x) - low); break;
      case steer::gate_curve::ramp: {
        const double risen = static_cast<double>(asked.slope) * (x - low);
        share = risen < 0.0 ? 0.0 : std::min(risen, static_cast<double>(asked.high));
        break;
      }
    }
    least = std::min(least, share);
    most = std::max(most, share);
  }
  if (gate.conditions.empty()) {
    return 1.0;
  }
  switch (gate.combination) {
    case steer::combination::all: return least;
    case steer::combination::any: return most;
    default: return std::max(0.0, 1.0 - most);  // where `excess` is beyond 1, its condition holds, and nothing is left
  }
}

inline double naive_length(const steer::norm_mode& mode, const VectorXd& before, const VectorXd& after, observer& see) {
  if (mode.rule == steer::norm_rule::none) {
    return 1.0;
  }
  const double was = see.norm(before);
  const double is = see.norm(after);
  see.vague |= is < 1e-5 * was;
  if (!see.side(is > 1e-12 * was)) {
    return 1.0;  // taken apart down to rounding
  }
  switch (mode.rule) {
    case steer::norm_rule::restore: return was / is;
    case steer::norm_rule::restore_if_grown: return std::min(1.0, was / is);
    default: return std::min(1.0, static_cast<double>(mode.ratio) * was / is);
  }
}

/// The vectors whose layers an edit without layers of its own follows.
inline std::vector<const steer::steering_vector*> vectors_of(const steer::operation& what) {
  std::vector<const steer::steering_vector*> out;
  const auto take = [&out](const std::vector<steer::steering_vector>& vectors) {
    for (const steer::steering_vector& v : vectors) {
      out.push_back(&v);
    }
  };
  std::visit([&](const auto& e) {
    if constexpr (requires { e.vector; }) {
      out.push_back(&e.vector);
    } else if constexpr (requires { e.vectors; }) {
      take(e.vectors);
    } else if constexpr (requires { e.read; }) {
      take(e.read);
      take(e.write);
    }
  }, what);
  return out;
}

class naive {
 public:
  naive(steer::recipe recipe, steer::model_shape shape) : recipe_(std::move(recipe)), shape_(std::move(shape)) {}

  [[nodiscard]] const steer::edit& edit_of(const naive_step& step) const { return recipe_.edits()[step.place]; }

  /// What happens at a site, in order.
  [[nodiscard]] std::vector<naive_step> steps(steer::site where) const {
    std::vector<naive_step> out;
    for (std::size_t place = 0; place < recipe_.edits().size(); ++place) {
      const steer::edit& e = recipe_.edits()[place];
      const auto vectors = vectors_of(e.operation);
      const bool layer_fits = e.where.layers.empty()
                                  ? std::all_of(vectors.begin(), vectors.end(),
                                                [&](const auto* v) { return v->directions.contains(where.layer); })
                                  : std::count(e.where.layers.begin(), e.where.layers.end(), where.layer) > 0;
      const bool acts = layer_fits && where.point == (vectors.empty() ? e.point : vectors.front()->point);
      const bool latches = latched(e) && (e.where.gate.layer ? where == steer::site{*e.where.gate.layer, read_at(e)} : acts);
      if (acts || latches) {
        const bool of_head = e.where.head && where.point == steer::point::attention_heads;
        const Index width = of_head ? shape_.head_width : shape_.width_at(where.point);
        out.push_back({place, where.layer, of_head ? *e.where.head * width : 0, width, acts, latches});
      }
    }
    return out;
  }

  /// Where the share is kept that a latched gate has decided.
  [[nodiscard]] latch_memory::key_type latch_of(const naive_step& step, const steer::row_info& info) const {
    return {step.place, edit_of(step).where.gate.layer.value_or(step.layer), info.sequence};
  }

  /// The row after one step. A row's `entry_norm` is that of the step's columns before the site's first step.
  VectorXd apply(const naive_step& step, const steer::row_info& info, double entry_norm, VectorXd row,
                 latch_memory& memory, observer& see) const {
    const steer::edit& e = edit_of(step);
    const VectorXd h = see.passes(row).segment(step.first_column, step.width);
    const bool on_prompt = latched(e);
    const bool of_prompt = info.phase == steer::phase::prompt;
    if (step.latches && of_prompt && info.position == info.prompt_length - 1) {
      memory[latch_of(step, info)] = naive_share(e.where.gate, step.layer, h, see);
    }
    const double weight = naive_weight(e.where.rows, info);
    if (!step.acts || weight == 0.0 || (on_prompt && of_prompt)) {
      return row;
    }
    see.share = weight * static_cast<double>(e.where.gate.share);
    if (on_prompt) {
      const auto then = memory.find(latch_of(step, info));
      see.share *= see.latched(then == memory.end() ? 0.0 : then->second);
    } else {
      see.share *= naive_share(e.where.gate, step.layer, h, see);
    }
    see.asked = see.readings.size();
    const VectorXd changed = std::visit(naive_formula{step.layer, entry_norm, h, see}, e.operation);
    see.unscaled = h + see.share * (changed - h);
    row.segment(step.first_column, step.width) = see.unscaled;
    see.passes(row);
    row.segment(step.first_column, step.width) *= naive_length(e.where.norm, h, see.unscaled, see);
    see.passes(row);
    return row;
  }

  /// The row after all edits at a site; `after(step, row before, row, what it observed)` is called for each.
  template <class After>
  VectorXd apply(steer::site where, const steer::row_info& info, const VectorXd& row, latch_memory& memory,
                 After after) const {
    VectorXd now = row;
    for (const naive_step& step : steps(where)) {
      observer see;
      VectorXd next = apply(step, info, row.segment(step.first_column, step.width).norm(), now, memory, see);
      after(step, std::as_const(now), std::as_const(next), std::as_const(see));
      now = std::move(next);
    }
    return now;
  }

 private:
  static bool latched(const steer::edit& e) {
    return e.where.gate.time == steer::gate_time::on_prompt && !e.where.gate.conditions.empty();
  }
  /// Vectors have a point of their own, those of a gate that reads another layer too.
  static steer::point read_at(const steer::edit& e) { return e.where.gate.conditions.front().vector.point; }

  steer::recipe recipe_;
  steer::model_shape shape_;
};

}  // namespace toy
