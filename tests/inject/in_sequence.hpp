// tests/inject/in_sequence.hpp: what a recipe means, edit by edit, each by its own formula.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "steer/compose/apply_edit.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/inject/resolve.hpp"
#include "steer/recipe/recipe.hpp"

namespace toy {

/// A recipe's edits applied one after the other, each by its own formula, in double. Slow, and easy to read.
///
/// h' = N(h + g (E(h) - h)), g = gate * schedule; N acts on rows that E has changed.
class in_sequence {
 public:
  /// What gates that latch have decided, by sequence, edit and layer (-1: one for all layers).
  using memory = std::map<std::tuple<std::int32_t, std::size_t, int>, double>;

  /// @throws as `steer::basic_plan`, save that it takes vectors of other models
  in_sequence(const steer::recipe& source, const steer::model_shape& shape) : shape_(shape), edits_(source.edits()) {
    steer::detail::resolver resolve(shape, steer::model_check::any);
    for (const steer::edit& e : edits_) {
      resolve.resolve(e);
    }
    for (const auto& [where, here] : resolve.found()) {
      for (const steer::detail::resolver::act& a : here) {
        places_.push_back({where, a.edit, a.sets_latch});
      }
    }
  }

  /// One row through everything at a site.
  /// @param after  called as after(h, place in the recipe) after each edit that reached the row
  /// @shape h [width of the site]
  template <class After>
  void apply(steer::site where, const steer::row_info& row, Eigen::VectorXd& h, memory& latches, After after) const {
    const Eigen::VectorXd entry = h;
    for (const place& here : places_) {
      if (here.where != where) {
        continue;
      }
      const steer::edit& e = edits_[here.edit];
      const auto [first, count] = columns_of(e, where);
      if (here.sets_latch) {
        if (row.phase == steer::phase::prompt && row.position == row.prompt_length - 1) {
          latches[{row.sequence, here.edit, e.where.gate.layer ? -1 : where.layer}] =
              share(e.where.gate, where.layer, h.segment(first, count));
        }
        continue;
      }
      double g = e.where.rows.weight(row);
      if (e.where.gate.latched()) {
        const auto kept = latches.find({row.sequence, here.edit, e.where.gate.layer ? -1 : where.layer});
        g *= row.phase == steer::phase::generation && kept != latches.end() ? kept->second : 0.0;
      } else if (g != 0.0) {
        g *= share(e.where.gate, where.layer, h.segment(first, count));
      }
      if (g == 0.0) {
        continue;
      }
      const Eigen::VectorXd before = h.segment(first, count);
      Eigen::VectorXd edited = before;
      const double entry_norm = entry.segment(first, count).norm();
      steer::detail::apply_edit(e.operation, where.layer, entry_norm, edited);
      Eigen::VectorXd next = before + g * (edited - before);
      if (next != before) {
        next *= e.where.norm.factor(before.norm(), next.norm());
      }
      h.segment(first, count) = next;
      after(h, here.edit);
    }
  }
  void apply(steer::site where, const steer::row_info& row, Eigen::VectorXd& h) const {
    memory none;
    apply(where, row, h, none, [](const Eigen::VectorXd&, std::size_t) {});
  }

 private:
  struct place {
    steer::site where;
    std::size_t edit;
    bool sets_latch;
  };

  [[nodiscard]] std::pair<Eigen::Index, Eigen::Index> columns_of(const steer::edit& e, steer::site where) const {
    return e.where.head && where.point == steer::point::attention_heads
               ? std::pair(*e.where.head * shape_.head_width, shape_.head_width)
               : std::pair(std::ptrdiff_t{0}, shape_.width_at(where.point));
  }

  static double share(const steer::gate& g, int layer, const Eigen::VectorXd& h) {
    return g.share_of([&](std::size_t i) {
      const steer::condition& c = g.conditions[i];
      const double x = unit(c.vector.directions.at(layer)).dot(h);
      return c.reading == steer::reading::projection ? x : h.norm() > 0.0 ? x / h.norm() : 0.0;
    });
  }

  steer::model_shape shape_;
  std::vector<steer::edit> edits_;
  std::vector<place> places_;
};

}  // namespace toy
