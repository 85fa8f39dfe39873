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

#include "inject/naive_passage.hpp"

namespace toy {

/// A bound, of first order in the unit roundoff u, on the distance between the exact row and one that is read once, decided
/// about in k dimensions and written once, all of it in numbers of that roundoff. Nothing is sampled.
///
/// h_i is the row after step i, J_i the step's Jacobian, P_i = J_n ... J_i+1. A_i is the sum of |terms| that h_i is written
/// as: |h_0|, and |w| |z| for each row w written, z = T c + t counted as |T| |c| + |t|, so that it also bounds what merged
/// edits sum; a later length multiplies it. M is the largest A_i of the steps on the same columns.
/// 1. A step reads c = r . h. For r . h_0 that is off by (d + 1) u |r| |h_0|. Each of the K rows written has moved c by
///    (r . w) z, off by u for the addition and 3 u for r, w and r . w being rounded; each length has multiplied it. So
///    |dc| <= gamma |r| M, gamma = (d + K + 2 n + 6) u. Targets, origins and shifts t beside c: 2 u |t| more.
/// 2. It reads norms: |h + W'z|^2 = |h|^2 + 2 z . W h + |W'z|^2 sums terms of M^2 at most, each factor off by gamma at most,
///    so d|h| = d|h|^2 / 2|h| <= 2 gamma M^2 / |h|. Digits are lost as a row shrinks.
/// 3. It reads a latched share, off by what 1, 2 and the error of the row so far made of it on the prompt's last row.
///    For each reading the step is run again, the reading moved by its error either way, over kinks too. That changes h_i by
///    q = W' (dz/dc) dc, without any pseudo-inverse of R, and |P_i q| of it arrives.
/// 4. Deciding and writing: share, s, z and length take 8 roundings at most (conversions of numbers, directions and results
///    among them), T c one for each of k readings, W'z one for each of m rows, on terms of M at most in sum. So
///    eta_i = (m + k + 8) u M in any direction, wherever a plan writes the row: |P_i| eta_i. A dose of the norm on entry
///    adds (d + 2) u M; a dense map (d + 4) u |A| |h| (Frobenius), a diagonal one 4 u max|a| |h|; after both, A_i = |h_i|.
///
///     error <= sum_i ( |P_i| eta_i + sum_q |P_i q| )
class rounding_bound {
 public:
  rounding_bound(const naive& reference, double u) : reference_(reference), u_(u) {}

  struct outcome {
    VectorXd row;
    double largest;  // norm on the way
    double bound;
    bool doubtful;  // an error of the bound's size could cross a hard threshold
    bool touched;
  };

  outcome follow(steer::site where, const steer::row_info& info, const VectorXd& h) {
    std::vector<errors> path;
    outcome out{h, h.norm(), 0.0, false, false};
    out.row = each_passage(reference_, where, info, h, memory_, [&](passage p) {
      out.largest = std::max(out.largest, p.seen.largest);
      if (p.acts() || !p.seen.readings.empty()) {
        out.touched |= p.acts();
        path.push_back({std::move(p)});
      }
    });
    weigh(path);
    double reached = 0.0;  // the error so far, in a coarser bound
    for (errors& e : path) {
      out.doubtful |= study(e, reached);
      e.jacobian = e.of.jacobian();
      reached = std::max(1.0, spectral(e.jacobian)) * reached + e.eta;
      for (const VectorXd& q : e.changes) {
        reached += q.norm();
      }
    }
    Eigen::MatrixXd tail = Eigen::MatrixXd::Identity(h.size(), h.size());  // P_i
    for (auto e = path.rbegin(); e != path.rend(); ++e) {
      auto columns = tail.middleCols(e->of.step.first_column, e->of.step.width);
      for (const VectorXd& q : e->changes) {
        out.bound += (columns * q).norm();
      }
      out.bound += spectral(columns) * e->eta;
      columns = (columns * e->jacobian).eval();
    }
    return out;
  }

 private:
  struct errors {
    passage of;
    double terms = 0.0;  // A_i, and then M
    double gamma = 0.0;
    std::vector<VectorXd> changes = {};  // q
    double eta = 0.0;
    Eigen::MatrixXd jacobian = {};
  };

  static double spectral(const Eigen::MatrixXd& m) {
    const Eigen::MatrixXd squared = m.transpose() * m;
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(squared, Eigen::EigenvaluesOnly);
    return std::sqrt(std::max(0.0, solver.eigenvalues().maxCoeff()));
  }

  /// The sum of |terms| that a step's move adds, and the factor of the row in it.
  static std::pair<double, double> move_of(const passage& p) {
    const VectorXd h = p.columns(p.before);
    const auto m = static_cast<Index>(p.seen.written.size());
    const bool turns = std::holds_alternative<steer::towards_edit>(p.edit().operation);  // h' = s h + z u
    Eigen::MatrixXd written(h.size(), m + (turns ? 1 : 0));
    for (Index j = 0; j < m; ++j) {
      written.col(j) = p.seen.written[static_cast<std::size_t>(j)];
    }
    if (turns) {
      written.rightCols(1) = h;
    }
    const auto solver = written.completeOrthogonalDecomposition();
    const VectorXd z = solver.solve(p.seen.unscaled - (turns ? 0.0 : 1.0) * h);
    VectorXd sizes = z.cwiseAbs();
    for (std::size_t i = p.seen.asked; !turns && i < p.seen.readings.size(); ++i) {
      const observer::reading& r = p.seen.readings[i];
      if (r.kind == observer::kind::coordinate) {
        const double slip = 1e-6 * std::max(h.norm(), 1e-3);
        const VectorXd change = solver.solve(p.again(i, slip).seen.unscaled - p.seen.unscaled);
        sizes += change.cwiseAbs() / slip * (std::abs(r.value) + r.beside);
      }
    }
    return {written.leftCols(m).colwise().norm().dot(sizes.head(m)), turns ? std::abs(z[m]) : 1.0};
  }

  /// The terms that each step's row is made of, and the roundings of a coordinate.
  void weigh(std::vector<errors>& path) const {
    std::map<std::pair<Index, Index>, double> terms;  // by columns, since they were last written
    std::size_t roundings = 6 + 2 * path.size();
    for (errors& e : path) {
      const passage& p = e.of;
      const std::pair at{p.step.first_column, p.step.first_column + p.step.width};
      if (!terms.contains(at)) {
        std::erase_if(terms, [&](const auto& other) {
          return other.first.first < at.second && at.first < other.first.second;
        });
        terms[at] = p.columns(p.before).norm();
      }
      double& now = terms.at(at);
      e.terms = now;
      if (p.acts()) {
        const double unscaled = p.seen.unscaled.norm();
        const double length = p.columns(p.after).norm();
        const auto [moved, factor] = p.seen.written.empty() ? std::pair(0.0, 1.0) : move_of(p);
        now = p.seen.written.empty() ? unscaled : factor * now + moved;
        e.terms = std::max(e.terms, now);
        now *= unscaled > 0.0 ? length / unscaled : 1.0;
        e.terms = std::max(e.terms, now);
        roundings += p.seen.written.size();
      }
    }
    for (errors& e : path) {
      e.gamma = static_cast<double>(static_cast<std::size_t>(e.of.step.width) + roundings) * u_;
      for (const errors& other : path) {
        if (other.of.step.first_column == e.of.step.first_column && other.of.step.width == e.of.step.width) {
          e.terms = std::max(e.terms, other.terms);
        }
      }
    }
  }

  /// What a step's errors are.
  /// @param reached  the error of the row before it
  /// @return whether a hard threshold is near
  bool study(errors& e, double reached) {
    const passage& p = e.of;
    const auto count = static_cast<double>(p.seen.readings.size());
    const VectorXd after = p.columns(p.after);
    const double latched = p.again(p.seen.readings.size(), 0.0).latched;
    bool near = p.seen.vague;
    double slack = 0.0;
    for (std::size_t i = 0; i < p.seen.readings.size(); ++i) {
      const observer::reading& r = p.seen.readings[i];
      double slip = e.gamma * r.reach * e.terms + 2.0 * u_ * r.beside;
      if (r.kind == observer::kind::norm && e.terms > 0.0) {
        slip = 2.0 * e.gamma * e.terms * e.terms / r.value;
        near |= !(slip < 0.25 * r.value);  // not of first order any more
        slip = std::min(slip, e.terms);
      } else if (r.kind == observer::kind::latched) {
        slip = slack_[p.latch()];
        near |= doubtful_.contains(p.latch());
      }
      VectorXd change = VectorXd::Zero(after.size());
      double of_share = 0.0;
      for (const double sign : {-1.0, 1.0}) {
        const VectorXd moved = p.again(i, sign * slip).columns - after;
        change = moved.norm() > change.norm() ? moved : change;
        const double whole = sign * (slip + r.reach * reached);
        of_share = std::max(of_share, std::abs(p.again(i, whole).latched - latched));
        near |= !p.seen.sides.empty() && p.again(i, count * whole).seen.sides != p.seen.sides;
      }
      e.changes.push_back(std::move(change));
      slack += of_share;
    }
    if (p.step.latches) {
      slack_[p.latch()] = slack;
      if (near) {
        doubtful_.insert(p.latch());
      }
    }
    e.eta = eta(e);
    return near;
  }

  [[nodiscard]] double eta(const errors& e) const {
    const passage& p = e.of;
    const steer::operation& what = p.edit().operation;
    if (!p.acts() || p.seen.share == 0.0 || std::holds_alternative<steer::watch_edit>(what)) {
      return 0.0;
    }
    const auto d = static_cast<double>(p.step.width);
    double roundings = 8.0 + static_cast<double>(p.seen.written.size() + p.seen.readings.size());
    double of_map = 0.0;
    if (const auto* add = std::get_if<steer::add_edit>(&what)) {
      roundings += add->unit == steer::strength_unit::of_row_norm ? d + 2.0 : 0.0;
    } else if (const auto* t = std::get_if<steer::transform_edit>(&what)) {
      const auto blended = [t](double size) { return std::abs(1.0F - t->share) + std::abs(t->share) * size; };
      if (const auto* dense = std::get_if<steer::dense_map>(&t->map)) {
        of_map = (d + 4.0) * blended(dense->linear.cast<double>().norm());
      } else if (const auto* diagonal = std::get_if<steer::diagonal_map>(&t->map)) {
        of_map = 4.0 * blended(diagonal->scale.cast<double>().cwiseAbs().maxCoeff());
      }
      const double unscaled = p.seen.unscaled.norm();
      of_map *= std::abs(p.seen.share) * p.columns(p.before).norm() *
                (unscaled > 0.0 ? std::max(1.0, p.columns(p.after).norm() / unscaled) : 1.0);
    }
    return u_ * (roundings * e.terms + of_map);
  }

  const naive& reference_;
  double u_;
  latch_memory memory_;
  std::map<latch_key, double> slack_;  // of latched shares
  std::set<latch_key> doubtful_;
};

}  // namespace toy
