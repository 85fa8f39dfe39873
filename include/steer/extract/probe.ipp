// steer/extract/probe.ipp: the bodies of probe.hpp.
#pragma once

#include <cmath>
#include <utility>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/fit_logistic.hpp"
#include "steer/extract/probe.hpp"
#include "steer/extract/probe_weights.hpp"
#include "steer/extract/samples.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY probe fit_probe(const sample_rows& positive, const sample_rows& negative, probe_options options) {
  if (!(options.penalty > 0.0 && std::isfinite(options.penalty)) || options.steps < 1) {
    throw argument_error(text({"probe: penalty is ", actual({options.penalty, " with ", options.steps, " steps"}),
                               "; expected ", expected("both above 0, and finite")}));
  }
  detail::require_sides(positive, negative, 1, "probe");
  const Eigen::Index n = positive.rows();
  const Eigen::Index count = n + negative.rows();
  const Eigen::Index d = positive.cols();
  matrix<Real> rows(count, d);
  rows << matrix<Real>(detail::in_double(positive)), matrix<Real>(detail::in_double(negative));
  // The bias takes the middle up: a better conditioned system.
  const Eigen::RowVectorX<Real> middle = detail::column_means(rows);
  rows.rowwise() -= middle;
  if (!std::isfinite(rows.squaredNorm())) {
    throw numeric_error(text({"probe: the squares of the samples ", actual("overflow"), "; expected ",
                              expected("numbers up to about 1e150")}));
  }
  Eigen::VectorX<Real> sign(count);
  sign << Eigen::VectorX<Real>::Ones(n), -Eigen::VectorX<Real>::Ones(count - n);
  probe out;
  if (count < d) {
    Eigen::MatrixX<Real> products = Eigen::MatrixX<Real>::Zero(count, count);
    products.template selfadjointView<Eigen::Lower>().rankUpdate(rows);
    detail::weights_of_samples<Real> weights(std::move(products), options.penalty);
    const detail::logistic_fit found = detail::fit_logistic(weights, sign, options.steps);
    out = {rows.transpose() * weights.w, weights.bias, found.loss, found.steps};
  } else {
    detail::weights_of_columns<Real> weights(std::move(rows), options.penalty);
    const detail::logistic_fit found = detail::fit_logistic(weights, sign, options.steps);
    out = {weights.w, weights.bias, found.loss, found.steps};
  }
  const Eigen::VectorX<Real>& w = out.w;
  out.bias -= middle.dot(w);
  return out;
}

}  // namespace v0
}  // namespace steer
