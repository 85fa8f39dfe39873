// tests/inject/naive_passage.hpp: one row passes one step of the naive reference, which can be run again, a little changed.
#pragma once

#include <Eigen/Dense>
#include <algorithm>
#include <cstddef>
#include <set>
#include <utility>

#include "inject/naive.hpp"

namespace toy {

using latch_key = latch_memory::key_type;

struct passage {
  const naive* reference;
  naive_step step;
  steer::row_info info;
  double entry_norm;
  VectorXd before;
  latch_memory memory;  // before
  observer seen = {};
  VectorXd after = {};

  [[nodiscard]] const steer::edit& edit() const { return reference->edit_of(step); }
  [[nodiscard]] latch_key latch() const { return reference->latch_of(step, info); }
  [[nodiscard]] bool acts() const { return seen.unscaled.size() > 0; }
  [[nodiscard]] VectorXd columns(const VectorXd& row) const { return row.segment(step.first_column, step.width); }

  /// The step with one of its readings moved.
  struct rerun {
    VectorXd columns;
    observer seen;
    double latched;
  };
  [[nodiscard]] rerun again(std::size_t reading, double slip) const {
    rerun out{{}, {static_cast<std::ptrdiff_t>(reading), slip}, 0.0};
    latch_memory scratch = memory;
    out.columns = columns(reference->apply(step, info, entry_norm, before, scratch, out.seen));
    const auto kept = scratch.find(latch());
    out.latched = kept == scratch.end() ? 0.0 : kept->second;
    return out;
  }

  /// Of the step's columns, by central differences.
  [[nodiscard]] Eigen::MatrixXd jacobian() const {
    const double distance = 1e-6 * std::max(before.norm(), 1e-3);
    Eigen::MatrixXd out(step.width, step.width);
    latch_memory scratch = memory;
    for (Index column = 0; column < step.width; ++column) {
      const auto at = [&](double where) {
        VectorXd row = before;
        row[step.first_column + column] += where;
        observer unseen;
        return columns(reference->apply(step, info, entry_norm, std::move(row), scratch, unseen));
      };
      out.col(column) = (at(distance) - at(-distance)) / (2.0 * distance);
    }
    return out;
  }
};

/// Takes a row through all steps of a site and calls `use(passage)` for each.
/// @return the row after the last
template <class Use>
VectorXd each_passage(const naive& reference, steer::site where, const steer::row_info& info, const VectorXd& h,
                      latch_memory& memory, Use use) {
  VectorXd now = h;
  for (const naive_step& step : reference.steps(where)) {
    passage p{&reference, step, info, h.segment(step.first_column, step.width).norm(), now, memory};
    now = reference.apply(step, info, p.entry_norm, std::move(now), memory, p.seen);
    p.after = now;
    use(std::move(p));
  }
  return now;
}

/// Rows that lie within `width` of a hard threshold, relative to the norms on their way: the numbers that a step reads are
/// moved by so much, each in turn. A share that such a row has decided makes its sequence doubtful.
class thresholds {
 public:
  thresholds(const naive& reference, double width) : reference_(reference), width_(width) {}

  struct outcome {
    VectorXd row;
    double largest;  // norm on the way
    bool doubtful;
  };

  outcome follow(steer::site where, const steer::row_info& info, const VectorXd& h) {
    outcome out{h, h.norm(), false};
    out.row = each_passage(reference_, where, info, h, memory_, [&](const passage& p) {
      out.largest = std::max(out.largest, p.seen.largest);
      bool near = p.seen.vague;
      for (std::size_t i = 0; i < p.seen.readings.size(); ++i) {
        const observer::reading& r = p.seen.readings[i];
        near |= r.kind == observer::kind::norm && r.value < 1e-7 * out.largest;  // nothing but rounding is left
        for (const double slip : {-width_ * out.largest, width_ * out.largest}) {
          near |= !p.seen.sides.empty() && p.again(i, slip).seen.sides != p.seen.sides;
        }
      }
      if (near && p.step.latches) {
        doubtful_.insert(p.latch());
      }
      out.doubtful |= near || (p.acts() && doubtful_.contains(p.latch()));
    });
    return out;
  }

 private:
  const naive& reference_;
  double width_;
  latch_memory memory_;
  std::set<latch_key> doubtful_;
};

}  // namespace toy
