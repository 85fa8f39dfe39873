// tests/inject/naive_bound.hpp: how far rounding can take a row from what the naive reference makes of it.
#pragma once

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "inject/naive.hpp"

namespace toy {

/// Whether a row is within `width` of a hard threshold, relative to the norms on its way; the numbers that a step reads are
/// moved by so much, each in turn. Shares that such a row has decided make its sequence doubtful.
class thresholds {
 public:
  thresholds(const naive& exact, double width) : exact_(exact), width_(width) {}

  struct outcome {
    VectorXd row;
    double largest;  // norm on the way
    bool doubtful;
  };

  outcome follow(steer::site where, const steer::row_info& info, const VectorXd& h) {
    outcome out{h, h.norm(), false};
    for (const naive_step& step : exact_.steps(where)) {
      const double entry_norm = h.segment(step.first_column, step.width).norm();
      const latch_memory memory = memory_;
      observer see;
      VectorXd next = exact_.apply(step, info, entry_norm, out.row, memory_, see);
      out.largest = std::max(out.largest, see.largest);
      bool near = see.vague;
      for (std::size_t i = 0; !see.sides.empty() && i < see.readings.size(); ++i) {
        for (const double slip : {-width_, width_}) {
          observer slipped{static_cast<std::ptrdiff_t>(i), slip * std::max(1.0, out.largest)};
          latch_memory scratch = memory;
          exact_.apply(step, info, entry_norm, out.row, scratch, slipped);
          near |= slipped.sides != see.sides;
        }
      }
      const auto key = exact_.latch_of(step, info);
      if (near && step.latches) {
        doubtful_.insert(key);
      }
      out.doubtful |= near || (see.share != 0.0 && doubtful_.contains(key));
      out.row = std::move(next);
    }
    return out;
  }

 private:
  const naive& exact_;
  double width_;
  latch_memory memory_;
  std::set<latch_memory::key_type> doubtful_;
};

/// A bound on the distance between a row that is computed with rounding, read once and written once, and the exact one.
///
/// To first order in the unit roundoff u. Let h_i be the row after step i, J_i the Jacobian of step i, P_i = J_n ... J_i+1
/// and A_i the sum of |terms| that h_i is written as: |h_0| plus |w_j| |z_j| of every row w_j written, z = T c + t counted
/// as |T| |c| + |t| so that it also bounds what merged edits sum. M is the largest A_i of the steps on the same columns.
///
/// - Coordinates: c = r . h_0 in float is off by gamma |r| |h_0|, and each of the K moves is followed by c += (r . w) z, off
///   by 2 u |r| |w| |z|, a later length by u |c|. With r and w rounded to float, |dc| <= gamma |r| M with
///   gamma = (d + K + 2 n + 6) u. What c is compared with or subtracted from (targets, origins) is rounded itself: + 2 u |t|.
/// - Norms: |h + Wᵀz|² = |h|² + 2 z . W h + |Wᵀz|² sums terms that are at most M² in all, each off by 2 gamma at most, so
///   d|h| <= 2 gamma M² / |h|: relative accuracy is lost as a row shrinks.
/// - A latched share is off by what the errors of its prompt's row make of it.
///   These are errors of what a step *reads*: step i, run again with one reading moved by its error, shows the change q of
///   h_i as it is, over kinks too, and |P_i q| of it arrives. (It equals ||Wᵀ dz/dc|| |dc|, with no pseudo-inverse.)
/// - Decisions and writes: z, s, gates, and lengths take no more than 8 roundings, sums of k products k, the final sum of
///   Wᵀz one for each row, on terms that are at most M in all: eta_i = (m_i + k_i + 8) u M, in any direction, wherever a
///   plan writes: ||P_i||_2 eta_i. A dose of the norm on entry adds d u M. Matrices add gamma_d ||A||_F |h|, diagonals
///   4 u max|a| |h|; after both the row is what was written, and A_i = |h_i|.
///
///     error <= sum_i ( ||P_i||_2 eta_i + sum over readings |P_i q| )
class rounding_bound {
 public:
  rounding_bound(const naive& exact, double u) : exact_(exact), u_(u) {}

  struct outcome {
    VectorXd row;
    double largest;  // norm on the way, moves included
    double bound;
    bool doubtful;  // an error of the bound's size could cross a hard threshold
    std::ptrdiff_t steps;
  };

  outcome follow(steer::site where, const steer::row_info& info, const VectorXd& h) {
    std::vector<passage> path;
    outcome out{h, h.norm(), 0.0, false, 0};
    for (const naive_step& step : exact_.steps(where)) {
      passage p{step, h.segment(step.first_column, step.width).norm(), out.row, {}, memory_, {}};
      out.row = exact_.apply(step, info, p.entry_norm, out.row, memory_, p.seen);
      p.after = out.row;
      out.largest = std::max(out.largest, p.seen.largest);
      if (p.seen.unscaled.size() > 0 || !p.seen.readings.empty()) {
        path.push_back(std::move(p));
      }
    }
    weigh(path, info);
    double reached = 0.0;  // a coarse bound so far
    for (passage& p : path) {
      out.doubtful |= study(p, info, reached);
      reached = std::max(1.0, spectral(p.jacobian)) * reached + p.any_direction;
      for (const VectorXd& q : p.changes) {
        reached += q.norm();
      }
      out.steps += p.seen.unscaled.size() > 0 ? 1 : 0;
    }
    Eigen::MatrixXd tail = Eigen::MatrixXd::Identity(h.size(), h.size());
    for (auto p = path.rbegin(); p != path.rend(); ++p) {
      auto columns = tail.middleCols(p->step.first_column, p->step.width);
      for (const VectorXd& q : p->changes) {
        out.bound += (columns * q).norm();
      }
      out.bound += spectral(columns) * p->any_direction;
      columns = (columns * p->jacobian).eval();
    }
    return out;
  }

 private:
  struct passage {
    naive_step step;
    double entry_norm;
    VectorXd before;
    VectorXd after;
    latch_memory memory;  // before
    observer seen;
    double terms = 0.0;  // A_i, and then M
    double gamma = 0.0;
    std::vector<VectorXd> changes = {};  // q
    double any_direction = 0.0;          // eta
    Eigen::MatrixXd jacobian = {};       // of the step's columns
  };

  static double spectral(const Eigen::MatrixXd& m) {
    const Eigen::MatrixXd squared = m.transpose() * m;
    return std::sqrt(Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(squared, Eigen::EigenvaluesOnly).eigenvalues().maxCoeff());
  }

  [[nodiscard]] static VectorXd columns_of(const passage& p, const VectorXd& row) {
    return row.segment(p.step.first_column, p.step.width);
  }

  /// The step again, a reading moved.
  struct rerun {
    VectorXd columns;
    observer seen;
    double latched;
  };
  [[nodiscard]] rerun again(const passage& p, const steer::row_info& info, std::size_t reading, double slip) const {
    rerun out{{}, {static_cast<std::ptrdiff_t>(reading), slip}, 0.0};
    latch_memory memory = p.memory;
    out.columns = columns_of(p, exact_.apply(p.step, info, p.entry_norm, p.before, memory, out.seen));
    const auto kept = memory.find(exact_.latch_of(p.step, info));
    out.latched = kept == memory.end() ? 0.0 : kept->second;
    return out;
  }

  /// The sum of |terms| that a step's move adds, and the factor of the row in it.
  [[nodiscard]] std::pair<double, double> move_of(const passage& p, const steer::row_info& info) const {
    const VectorXd h = columns_of(p, p.before);
    const auto m = static_cast<Index>(p.seen.written.size());
    const bool turns = std::holds_alternative<steer::towards_edit>(exact_.edit_of(p.step).operation);
    Eigen::MatrixXd written(h.size(), m + (turns ? 1 : 0));
    for (Index j = 0; j < m; ++j) {
      written.col(j) = p.seen.written[static_cast<std::size_t>(j)];
    }
    if (turns) {
      written.col(m) = h;
    }
    const auto solver = written.completeOrthogonalDecomposition();
    const VectorXd z = turns ? solver.solve(p.seen.unscaled) : solver.solve(p.seen.unscaled - h);
    VectorXd sizes = z.cwiseAbs();
    for (std::size_t i = p.seen.asked; !turns && i < p.seen.readings.size(); ++i) {
      const observer::reading& r = p.seen.readings[i];
      if (r.kind == observer::kind::coordinate) {
        const double slip = 1e-6 * std::max(h.norm(), 1e-3);
        const VectorXd change = solver.solve(again(p, info, i, slip).seen.unscaled - p.seen.unscaled);
        sizes += change.cwiseAbs() / slip * (std::abs(r.value) + r.beside);
      }
    }
    return {written.leftCols(m).colwise().norm().transpose().dot(sizes.head(m)), turns ? std::abs(z[m]) : 1.0};
  }

  /// The terms that each step's row is made of, and how many roundings go into a coordinate.
  void weigh(std::vector<passage>& path, const steer::row_info& info) const {
    std::map<std::pair<Index, Index>, double> terms;  // by columns, since they were last written
    std::size_t roundings = 6 + 2 * path.size();
    for (passage& p : path) {
      const std::pair at{p.step.first_column, p.step.first_column + p.step.width};
      if (!terms.contains(at)) {
        std::erase_if(terms, [&](const auto& other) {
          return other.first.first < at.second && at.first < other.first.second;
        });
        terms[at] = columns_of(p, p.before).norm();
      }
      double& now = terms.at(at);
      p.terms = now;
      if (p.seen.unscaled.size() > 0) {
        const double length = columns_of(p, p.after).norm();
        const double unscaled = p.seen.unscaled.norm();
        if (p.seen.written.empty()) {
          p.terms = std::max(p.terms, unscaled);
          now = length;
        } else {
          const auto [moved, factor] = move_of(p, info);
          now = factor * now + moved;
          p.terms = std::max(p.terms, now);
          now *= unscaled > 0.0 ? length / unscaled : 1.0;
        }
        p.terms = std::max(p.terms, now);
        roundings += p.seen.written.size();
      }
    }
    for (passage& p : path) {
      p.gamma = static_cast<double>(static_cast<std::size_t>(p.step.width) + roundings) * u_;
      for (const passage& other : path) {
        if (other.step.first_column == p.step.first_column && other.step.width == p.step.width) {
          p.terms = std::max(p.terms, other.terms);
        }
      }
    }
  }

  /// Fills in what a step's errors are and what it does to errors.
  /// @return whether a hard threshold is near
  bool study(passage& p, const steer::row_info& info, double reached) {
    bool near = p.seen.vague;
    const auto key = exact_.latch_of(p.step, info);
    const VectorXd after = columns_of(p, p.after);
    const rerun exact = again(p, info, p.seen.readings.size(), 0.0);
    double latched = 0.0;
    for (std::size_t i = 0; i < p.seen.readings.size(); ++i) {
      const observer::reading& r = p.seen.readings[i];
      double slip = p.gamma * r.reach * p.terms + 2.0 * u_ * r.beside;
      if (r.kind == observer::kind::norm) {
        slip = 2.0 * p.gamma * p.terms * p.terms / std::max(r.value, 1e-300);
        near |= slip > 0.25 * r.value && r.value > 0.0;
      } else if (r.kind == observer::kind::latched) {
        slip = slack_[key];
        near |= doubtful_.contains(key);
      }
      VectorXd change = VectorXd::Zero(after.size());
      double share = 0.0;
      for (const double sign : {-1.0, 1.0}) {
        const rerun moved = again(p, info, i, sign * slip);
        if ((moved.columns - after).norm() > change.norm()) {
          change = moved.columns - after;
        }
        const double whole = slip + r.reach * reached;
        share = std::max(share, std::abs(again(p, info, i, sign * whole).latched - exact.latched));
        const auto count = static_cast<double>(p.seen.readings.size());
        near |= !p.seen.sides.empty() && again(p, info, i, sign * count * whole).seen.sides != p.seen.sides;
      }
      latched += share;
      p.changes.push_back(change);
    }
    if (p.step.latches) {
      slack_[key] = latched;
      if (near) {
        doubtful_.insert(key);
      }
    }
    p.any_direction = eta(p);
    differentiate(p, info);
    return near;
  }

  [[nodiscard]] double eta(const passage& p) const {
    if (p.seen.unscaled.size() == 0) {
      return 0.0;
    }
    const steer::operation& what = exact_.edit_of(p.step).operation;
    const auto d = static_cast<double>(p.step.width);
    double roundings = 8.0 + static_cast<double>(p.seen.written.size() + p.seen.readings.size());
    double from_map = 0.0;
    if (std::holds_alternative<steer::add_edit>(what)) {
      roundings += d;
    } else if (const auto* e = std::get_if<steer::transform_edit>(&what)) {
      const double length = std::abs(p.seen.share) * columns_of(p, p.before).norm();
      const auto blended = [&](double size) { return std::abs(1.0F - e->blend) + std::abs(e->blend) * size; };
      if (const auto* dense = std::get_if<steer::dense_map>(&e->map)) {
        from_map = (d + 4.0) * blended(dense->linear.cast<double>().norm()) * length;
      } else if (const auto* diagonal = std::get_if<steer::diagonal_map>(&e->map)) {
        from_map = 4.0 * blended(diagonal->scale.cast<double>().cwiseAbs().maxCoeff()) * length;
      }
      const double unscaled = p.seen.unscaled.norm();
      from_map *= unscaled > 0.0 ? std::max(1.0, columns_of(p, p.after).norm() / unscaled) : 1.0;
    }
    return u_ * (roundings * p.terms + from_map);
  }

  /// By central differences.
  void differentiate(passage& p, const steer::row_info& info) const {
    const double step = 1e-6 * std::max(p.before.norm(), 1e-3);
    p.jacobian.resize(p.step.width, p.step.width);
    latch_memory memory = p.memory;
    for (Index column = 0; column < p.step.width; ++column) {
      const auto at = [&](double where) {
        VectorXd row = p.before;
        row[p.step.first_column + column] += where;
        observer unseen;
        return columns_of(p, exact_.apply(p.step, info, p.entry_norm, std::move(row), memory, unseen));
      };
      p.jacobian.col(column) = (at(step) - at(-step)) / (2.0 * step);
    }
  }

  const naive& exact_;
  double u_;
  latch_memory memory_;
  std::map<latch_memory::key_type, double> slack_;  // of latched shares
  std::set<latch_memory::key_type> doubtful_;
};

}  // namespace toy
