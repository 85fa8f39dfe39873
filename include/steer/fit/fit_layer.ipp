// steer/fit/fit_layer.ipp: the bodies of fit_layer.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/principal_axes.hpp"
#include "steer/fit/fit_layer.hpp"
#include "steer/vector/affine_map.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Weights W of x W ~ y, both about their means: (xᵀx + λ I)⁻¹ xᵀ y, λ being `ridge` times the mean of xᵀx's diagonal.
/// @shape x [n, d], y [n, m]; returns [d, m]
template <class Real>
Eigen::MatrixX<Real> ridge_weights(const matrix<Real>& x, const Eigen::MatrixX<Real>& y, double ridge) {
  const double lambda = ridge * x.squaredNorm() / static_cast<double>(x.cols());
  if (!(lambda > 0.0)) {
    return Eigen::MatrixX<Real>::Zero(x.cols(), y.cols());
  }
  Eigen::MatrixX<Real> gram = x.rows() < x.cols() ? Eigen::MatrixX<Real>(x * x.transpose()) : Eigen::MatrixX<Real>(x.transpose() * x);
  gram.diagonal().array() += lambda;
  const Eigen::LLT<Eigen::MatrixX<Real>> solver(gram);
  if (x.rows() < x.cols()) {
    return x.transpose() * solver.solve(y);
  }
  return solver.solve(x.transpose() * y);
}

/// A direction at one layer, with the rows' mean norm.
template <class Real>
steering_vector direction_at(int layer, const std::string& name, const Eigen::VectorX<Real>& values, double row_norm) {
  steering_vector out;
  out.name = name;
  out.source.method = "fit_layer";
  direction& here = out.directions[layer];
  here.values = values.template cast<float>();
  here.row_norm = row_norm;
  return out;
}

}  // namespace detail

STEER_BODY layer_fit fit_layer(const matrix<float>& now, const matrix<float>& wanted, int layer, const std::string& name,
                               const layer_fit_options& how, const schedule& rows) {
  const std::string who = text({"fit \"", name, "\", layer ", layer});
  const Eigen::Index n = now.rows();
  const Eigen::Index d = now.cols();
  if (n != wanted.rows() || d != wanted.cols() || n == 0 || d == 0) {
    throw shape_error(text({thing(who), ": rows of ", actual({n, " x ", d}), " are wanted as ",
                            expected({wanted.rows(), " x ", wanted.cols()}), "; expected as many, and at least one"}));
  }
  if (!(how.ridge > 0.0) || !(how.reach >= 1.0) || !std::isfinite(how.ridge)) {
    throw argument_error(text({thing(who), ": has a ridge of ", actual(how.ridge), " and a reach of ", how.reach, "; expected ",
                               expected("a ridge above 0 and a reach of at least 1")}));
  }
  const Eigen::Index most = std::min(n - 1, d);
  if (how.kind == fit_kind::affine && (how.rank < 1 || how.rank > most)) {
    throw argument_error(text({thing(who), ": has rank ", actual(how.rank), "; expected ",
                               expected({"1 to ", most}), ", for ", n, " rows of width ", d}));
  }
  if (!now.allFinite() || !wanted.allFinite()) {
    throw numeric_error(text({thing(who), ": an activation is ", actual("not finite")}));
  }
  const matrix<Real> x = now.cast<Real>();
  const matrix<Real> missing = wanted.cast<Real>() - x;
  const Eigen::VectorX<Real> c = missing.colwise().mean().transpose();
  const double row_norm = x.rowwise().norm().mean();
  const placement where{.layers = {layer}, .rows = rows};
  layer_fit out;
  if (missing.squaredNorm() == 0.0) {
    return out;
  }
  const auto add_constant = [&](const Eigen::VectorX<Real>& values) {
    if (values.template cast<float>().squaredNorm() > 0.0F) {
      out.recipe.add(detail::direction_at<Real>(layer, name, values, row_norm), {.unit = strength_unit::raw}, where);
    }
  };
  matrix<Real> added;
  if (how.kind == fit_kind::constant) {
    add_constant(c);
    added = c.transpose().replicate(n, 1);
  } else {
    const Eigen::VectorX<Real> mean = x.colwise().mean().transpose();
    const matrix<Real> centred = x.rowwise() - mean.transpose();
    if (how.kind == fit_kind::gated) {
      Eigen::VectorX<Real> z = detail::principal_axes(missing, 1, who).rows.row(0).transpose();
      z *= z.dot(c) < 0.0 ? -1.0 : 1.0;
      const Eigen::VectorX<Real> y = missing * z;
      const double level = y.mean();
      const Eigen::VectorX<Real> w = detail::ridge_weights<Real>(centred, Eigen::MatrixX<Real>(y.array() - level), how.ridge).col(0);
      const double slope = w.norm();
      const Eigen::VectorX<Real> share = ((centred * w).array() + level).cwiseMax(0.0);
      if (!(slope > 0.0) || !(share.maxCoeff() > 0.0)) {
        add_constant(std::max(level, 0.0) * z);
        added = (std::max(level, 0.0) * z).transpose().replicate(n, 1);
      } else {
        placement ramped = where;
        ramped.gate.conditions = {ramp(detail::direction_at<Real>(layer, text({name, " gate"}), w, row_norm),
                                       static_cast<float>((w.dot(mean) - level) / slope), static_cast<float>(slope),
                                       static_cast<float>(how.reach * share.maxCoeff()))};
        out.recipe.add(detail::direction_at<Real>(layer, name, z, row_norm), {.unit = strength_unit::raw}, std::move(ramped));
        added = share * z.transpose();
      }
    } else {
      const Eigen::MatrixX<Real> weights =
          detail::ridge_weights<Real>(centred, Eigen::MatrixX<Real>(missing.rowwise() - c.transpose()), how.ridge);
      const matrix<Real> foretold = centred * weights;
      const matrix<Real> axes = detail::principal_axes(foretold, how.rank, who).rows;
      const matrix<Real> read = axes * weights.transpose();  // [k, d]
      low_rank_map map;
      map.read = read.template cast<float>();
      map.write = axes.template cast<float>();
      map.shift = (-(read * mean)).template cast<float>();
      out.recipe.transform(std::move(map), where);
      add_constant(c);  // after the map, which reads the row as it was
      added = ((centred * read.transpose()) * axes).rowwise() + c.transpose();
    }
  }
  out.explained = 1.0 - (missing - added).squaredNorm() / missing.squaredNorm();
  out.norm_ratio = std::sqrt(added.squaredNorm() / static_cast<double>(n)) / row_norm;
  return out;
}

}  // namespace v0
}  // namespace steer
