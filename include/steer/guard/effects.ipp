// steer/guard/effects.ipp: the bodies of effects.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>
#include <Eigen/Core>

#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/guard/effects.hpp"
#include "steer/inject/plan_options.hpp"
#include "steer/inject/resolve.hpp"
#include "steer/inject/term.hpp"
#include "steer/recipe/edit.hpp"
#include "steer/recipe/schedule.hpp"
#include "steer/vector/small_matrix.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY double most_open(const gate& g) noexcept {
  if (g.conditions.empty() || g.combination == combination::none) {
    return 1.0;
  }
  constexpr double infinity = std::numeric_limits<double>::infinity();
  double least = infinity;
  double most = 0.0;
  for (const condition& each : g.conditions) {
    double one = 1.0;
    if (each.curve == gate_curve::ramp) {
      one = std::max(0.0, static_cast<double>(each.high));
    } else if (each.curve == gate_curve::excess) {
      one = each.reading == reading::cosine ? std::max(0.0, 1.0 - static_cast<double>(each.low)) : infinity;
    }
    least = std::min(least, one);
    most = std::max(most, one);
  }
  return g.combination == combination::all ? least : most;
}

STEER_BODY matrix<double> orthonormal(const matrix<double>& rows) {
  constexpr double nothing = 1e-9;  // of its length is left of a row that lies in the span of others
  matrix<Real> out(rows.rows(), rows.cols());
  Eigen::Index count = 0;
  for (Eigen::Index i = 0; i < rows.rows(); ++i) {
    Eigen::VectorX<Real> v = dependent<Real>(rows).row(i).transpose();
    const double length = v.norm();
    if (!(length > 0.0)) {
      continue;
    }
    for (int twice = 0; twice < 2; ++twice) {
      for (Eigen::Index j = 0; j < count; ++j) {
        v -= out.row(j).dot(v) * out.row(j).transpose();
      }
    }
    if (const double left = v.norm(); left > nothing * length) {
      out.row(count++) = v.transpose() / left;
    }
  }
  return out.topRows(count);
}

STEER_BODY double share_inside(const matrix<double>& basis, const matrix<double>& span) {
  if (span.rows() == 0 || basis.rows() == 0) {
    return 0.0;
  }
  const Eigen::MatrixX<Real> products = dependent<Real>(basis).lazyProduct(dependent<Real>(span).transpose());
  const Eigen::MatrixX<Real> squares = products.rows() < products.cols() ? Eigen::MatrixX<Real>(products.lazyProduct(products.transpose()))
                                                                         : Eigen::MatrixX<Real>(products.transpose().lazyProduct(products));
  return std::min(1.0, std::sqrt(std::max(0.0, extreme_eigenvalues(squares).second)));
}

STEER_BODY double share_inside(const matrix<double>& basis, const Eigen::VectorXd& v) {
  const double length = dependent<Real>(v).norm();
  if (!(length > 0.0)) {
    return 0.0;
  }
  const Eigen::VectorX<Real> inside = dependent<Real>(basis).lazyProduct(dependent<Real>(v));
  return std::min(1.0, inside.norm() / length);
}

STEER_BODY double share_inside(const matrix<double>& basis, const effect& e) {
  if (e.anywhere) {
    return 1.0;
  }
  if (e.map.size() > 0) {
    constexpr double rounding = 1e-5;  // of maps whose numbers are floats
    const Eigen::MatrixX<Real> inside = dependent<Real>(basis).lazyProduct(dependent<Real>(e.map));
    return inside.norm() <= rounding * dependent<Real>(e.map).norm() ? 0.0 : 1.0;
  }
  return e.is_constant() ? share_inside(basis, e.constant) : share_inside(basis, e.span);
}

/// The largest factor by which rows W [m, D] lengthen z [m].
template <class Real>
double largest_singular(const matrix<double>& rows) {
  if (rows.size() == 0) {
    return 0.0;
  }
  const Eigen::MatrixX<Real> gram = dependent<Real>(rows).lazyProduct(dependent<Real>(rows).transpose());
  return std::sqrt(std::max(0.0, extreme_eigenvalues(gram).second));
}

/// How far a policy that is not affine moves a row of norm `length`, as its edit is defined; infinity for one that is not known here.
template <class Real>
double reach_of(const operation& what, const low_rank_form& f, double length) {
  if (std::holds_alternative<add_edit>(what)) {  // of row norms
    return largest_singular<Real>(f.write) * std::min(length, f.numbers.front());
  }
  if (std::holds_alternative<bound_edit>(what)) {  // numbers: k, low, high, the inverse Gram matrix
    const auto k = static_cast<Eigen::Index>(f.numbers.front());
    Eigen::VectorX<Real> beyond(k);
    for (Eigen::Index i = 0; i < k; ++i) {
      const double low = f.numbers[static_cast<std::size_t>(1 + i)];
      const double high = f.numbers[static_cast<std::size_t>(1 + k + i)];
      beyond[i] = std::max({0.0, low + length, length - high});
    }
    const Eigen::MatrixX<Real> inverse = Eigen::Map<const Eigen::MatrixX<Real>>(f.numbers.data() + 1 + 2 * k, k, k);
    return std::sqrt(std::max(0.0, extreme_eigenvalues(inverse).second)) * beyond.norm();
  }
  if (std::holds_alternative<angle_edit>(what)) {
    return 2.0 * length;
  }
  if (const auto* const turn = std::get_if<towards_edit>(&what)) {
    return 2.0 * length * std::sin(static_cast<double>(turn->share) * 1.57079632679489661923);
  }
  return std::numeric_limits<double>::infinity();
}

/// Numbers in the columns that an edit takes, as numbers of the whole row.
template <class Real>
matrix<double> in_whole_row(const matrix<double>& part, const columns& at, std::ptrdiff_t width) {
  matrix<Real> out = matrix<Real>::Zero(part.rows(), width);
  out.middleCols(at.first, at.count) = dependent<Real>(part);
  return out;
}

template <class Real>
void describe(effect& out, const operation& what, const low_rank_form& f, const columns& at, std::ptrdiff_t width, double open, double length) {
  if (f.decide != nullptr) {
    out.span = orthonormal(in_whole_row<Real>(f.write, at, width));
    out.reach = std::abs(open) * reach_of<Real>(what, f, length);
    return;
  }
  const auto& shift = dependent<Real>(f.shift);
  const auto& linear = dependent<Real>(f.linear);
  const Eigen::VectorX<Real> added = dependent<Real>(f.write).transpose().lazyProduct(shift);
  if (linear.size() == 0 || linear.isZero(0.0)) {
    const double times = std::isfinite(open) ? open : std::copysign(1.0, open);
    const matrix<Real> row = times * added.transpose();
    out.constant = in_whole_row<Real>(row, at, width).row(0).transpose();
    out.reach = std::abs(open) * added.norm();
    return;
  }
  matrix<Real> used(0, f.write.cols());
  for (Eigen::Index i = 0; i < f.write.rows(); ++i) {
    if (shift[i] != 0.0 || !linear.row(i).isZero(0.0)) {
      used.conservativeResize(used.rows() + 1, Eigen::NoChange);
      used.row(used.rows() - 1) = dependent<Real>(f.write).row(i);
    }
  }
  const matrix<Real> read = linear.lazyProduct(dependent<Real>(f.read));
  out.span = orthonormal(in_whole_row<Real>(used, at, width));
  out.reach = std::abs(open) * (largest_singular<Real>(used) * largest_singular<Real>(read) * length + added.norm());
}

template <class Real>
void describe(effect& out, const operation&, const diagonal_form& f, const columns& at, std::ptrdiff_t width, double open, double length) {
  const Eigen::VectorX<Real> change = dependent<Real>(f.scale).array() - 1.0;
  constexpr Eigen::Index most = 127;  // columns, as directions of other edits; who changes more is taken to change all
  matrix<Real> used = matrix<Real>::Zero(most, change.size());
  Eigen::Index count = 0;
  for (Eigen::Index i = 0; i < change.size(); ++i) {
    if (change[i] != 0.0 || dependent<Real>(f.shift)[i] != 0.0) {
      if (count == most) {
        out.anywhere = true;
        break;
      }
      used(count++, i) = 1.0;
    }
  }
  out.span = in_whole_row<Real>(used.topRows(out.anywhere ? 0 : count), at, width);
  out.reach = std::abs(open) * (change.cwiseAbs().maxCoeff() * length + dependent<Real>(f.shift).norm());
}

template <class Real>
void describe(effect& out, const operation&, const dense_form& f, const columns& at, std::ptrdiff_t width, double open, double length) {
  matrix<Real> change = dependent<Real>(f.linear);
  change.diagonal().array() -= 1.0;
  out.reach = std::abs(open) * (change.norm() * length + dependent<Real>(f.shift).norm());
  out.map = matrix<Real>::Zero(width, change.cols() + 1);
  out.map.middleRows(at.first, at.count).leftCols(change.cols()) = change;
  out.map.middleRows(at.first, at.count).col(change.cols()) = dependent<Real>(f.shift);
}

STEER_BODY std::vector<effect> effects_of(const recipe& stack, const model_shape& shape, const row_norms& norms) {
  resolver found(shape, model_check::any);
  for (const edit& e : stack.edits()) {
    found.resolve(e);
  }
  std::vector<schedule> kinds{schedule{}};
  std::vector<effect> out;
  for (const auto& [where, acts] : found.found()) {
    const auto known = norms.find(where);
    double length = known != norms.end() ? known->second : std::numeric_limits<double>::infinity();
    for (const term& t : found.terms_at(where)) {
      const edit& source = stack.edits()[t.edit];
      const double open = static_cast<double>(t.gate.share) * (t.gate.share == 0.0F ? 0.0 : most_open(source.where.gate));
      const auto* const low_rank = std::get_if<low_rank_form>(t.form.get());
      if (open == 0.0 || t.sets_latch || (low_rank != nullptr && low_rank->only_reads) || does_nothing(*t.form)) {
        continue;
      }
      effect one{t.edit, t.who, where};
      if (!source.where.gate.conditions.empty()) {
        one.rows = -1;
      } else {
        const auto same = std::find(kinds.begin(), kinds.end(), source.where.rows);
        one.rows = same - kinds.begin();
        if (same == kinds.end()) {
          kinds.push_back(source.where.rows);
        }
      }
      const std::ptrdiff_t width = shape.width_at(where.point);
      std::visit([&, length](const auto& f) { describe<Real>(one, source.operation, f, t.where, width, open, length); }, dependent<Real>(*t.form));
      if (std::isnan(one.reach)) {  // nothing of it times infinity
        one.reach = std::numeric_limits<double>::infinity();
      }
      length += one.reach;  // of the row that the next edit finds
      out.push_back(std::move(one));
    }
  }
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
