// steer/guard/project_out.ipp: the bodies of project_out.hpp.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>
#include <Eigen/Core>

#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/guard/effects.hpp"
#include "steer/guard/project_out.hpp"
#include "steer/inject/plan_options.hpp"
#include "steer/inject/resolve.hpp"
#include "steer/recipe/edit.hpp"
#include "steer/vector/affine_map.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Of its length is left of what lies inside altogether.
inline constexpr double nothing_left = 1e-6;

/// Rows without what lies in the span of an orthonormal basis.
template <class Real>
matrix<Real> without(const matrix<Real>& rows, const matrix<Real>& basis) {
  const matrix<Real> inside = rows.lazyProduct(basis.transpose());
  return rows - inside.lazyProduct(basis);
}

/// What an edit writes at one site, projected.
struct projected_edit {
  double share = 0.0;                       ///< the largest that lay inside
  std::optional<steer::operation> left = {};  ///< nothing if all did
};

template <class Real>
projected_edit project(const edit& e, const low_rank_form& f, site where, const matrix<Real>& basis) {
  if (f.decide != nullptr || f.only_reads) {
    return {0.0, e.operation};
  }
  projected_edit out;
  if (f.linear.size() == 0 || f.linear.isZero(0.0)) {
    const Eigen::VectorX<Real> added = dependent<Real>(f.write).transpose().lazyProduct(dependent<Real>(f.shift));
    out.share = share_inside(basis, added);
    const matrix<Real> row = added.transpose();
    const Eigen::VectorX<Real> kept = without(row, basis).row(0).transpose();
    if (kept.norm() > nothing_left * added.norm()) {
      add_edit addition;
      addition.vector.name = to_string(e);
      each_vector_of(e.operation, [&](const steering_vector& v) {
        addition.vector.name = v.name;
        addition.vector.source = v.source;
      });
      addition.vector.point = where.point;
      addition.vector.directions[where.layer].values = kept.template cast<float>();
      addition.unit = strength_unit::raw;
      out.left = std::move(addition);
    }
    return out;
  }
  out.share = share_inside(basis, orthonormal(f.write));
  const matrix<Real> write = without(dependent<Real>(f.write), basis);
  if (write.norm() > nothing_left * dependent<Real>(f.write).norm()) {
    const matrix<Real> read = dependent<Real>(f.linear).lazyProduct(dependent<Real>(f.read));
    low_rank_map map;
    map.read = read.template cast<float>();
    map.write = write.template cast<float>();
    map.shift = dependent<Real>(f.shift).template cast<float>();
    out.left = transform_edit{std::move(map)};
  }
  return out;
}

/// @param change  the map less the identity
template <class Real>
projected_edit project(const matrix<Real>& change, const Eigen::VectorX<Real>& shift, const matrix<Real>& basis) {
  const matrix<Real> transposed = change.transpose();
  const matrix<Real> shift_row = shift.transpose();
  dense_map map;
  matrix<Real> linear = without(transposed, basis).transpose();
  linear.diagonal().array() += 1.0;
  map.linear = linear.template cast<float>();
  map.shift = without(shift_row, basis).row(0).transpose().template cast<float>();
  return {std::max(share_inside(basis, effect{.map = change}), share_inside(basis, shift)), transform_edit{std::move(map)}};
}

template <class Real>
projected_edit project(const edit&, const diagonal_form& f, site, const matrix<Real>& basis) {
  const matrix<Real> change = (dependent<Real>(f.scale).array() - 1.0).matrix().asDiagonal();
  return project<Real>(change, f.shift, basis);
}

template <class Real>
projected_edit project(const edit&, const dense_form& f, site, const matrix<Real>& basis) {
  matrix<Real> change = dependent<Real>(f.linear);
  change.diagonal().array() -= 1.0;
  return project<Real>(change, f.shift, basis);
}

/// The subspaces to be projected out at a site, as one orthonormal basis.
/// @param names  gets theirs
template <class Real>
matrix<Real> projected_at(const policy& rules, const model_shape& shape, site where, std::string& names) {
  matrix<Real> all(0, shape.width_at(where.point));
  for (const protected_subspace& each : rules.protects) {
    const auto here = each.bases.find(where.layer);
    if (each.how == protection::project_out && here != each.bases.end() && in_one_space(each.point, where.point) &&
        here->second.cols() == all.cols()) {
      all.conservativeResize(all.rows() + here->second.rows(), Eigen::NoChange);
      all.bottomRows(here->second.rows()) = dependent<Real>(here->second);
      names += (names.empty() ? "" : ", ") + each.name;
    }
  }
  return orthonormal(all);
}

STEER_BODY recipe project_out(const policy& rules, const recipe& from, const model_shape& shape, std::vector<taken_out>& taken) {
  if (std::none_of(rules.protects.begin(), rules.protects.end(), [](const auto& each) { return each.how == protection::project_out; })) {
    return from;
  }
  recipe out;
  for (const edit& e : from.edits()) {
    resolver found(shape, model_check::any);
    found.resolve(e);
    std::vector<int> as_they_are;  // layers
    std::vector<edit> changed;
    bool changes = false;
    for (const auto& entry : found.found()) {
      const site where = entry.first;
      std::string names;
      const matrix<Real> whole_basis = projected_at<Real>(rules, shape, where, names);
      for (const term& t : found.terms_at(where)) {
        if (t.sets_latch) {
          continue;
        }
        const matrix<Real> basis = orthonormal(whole_basis.middleCols(t.where.first, t.where.count));
        projected_edit one;
        if (basis.rows() > 0) {
          one = std::visit([&](const auto& f) { return project<Real>(e, f, where, basis); }, dependent<Real>(*t.form));
        }
        if (one.share == 0.0) {
          as_they_are.push_back(where.layer);
          continue;
        }
        changes = true;
        taken.push_back({to_string(e), names, where.layer, one.share});
        if (one.left) {
          edit rest = e;
          rest.operation = std::move(*one.left);
          rest.where.layers = {where.layer};
          rest.point = where.point;
          changed.push_back(std::move(rest));
        }
      }
    }
    if (!changes) {
      out.append(e);
      continue;
    }
    if (!as_they_are.empty()) {
      edit rest = e;
      rest.where.layers = std::move(as_they_are);
      out.append(std::move(rest));
    }
    for (edit& each : changed) {
      out.append(std::move(each));
    }
  }
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
