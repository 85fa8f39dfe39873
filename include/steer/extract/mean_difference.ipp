// steer/extract/mean_difference.ipp: the bodies of mean_difference.hpp.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/mean_difference.hpp"
#include "steer/extract/measure_evidence.hpp"
#include "steer/extract/recorder.hpp"
#include "steer/extract/samples.hpp"
#include "steer/vector/direction.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY Eigen::VectorXd mean_difference(const sample_rows& positive, const sample_rows& negative) {
  if (positive.cols() != negative.cols() || positive.rows() == 0 || negative.rows() == 0) {
    throw shape_error(
        text({"mean_difference: positive is ", expected({"[", positive.rows(), ", ", positive.cols(), "]"}),
              ", negative is ", actual({"[", negative.rows(), ", ", negative.cols(), "]"}),
              "; expected equal widths and at least one row each"}));
  }
  const Eigen::RowVectorX<Real> plus = detail::column_means(positive);
  const Eigen::RowVectorX<Real> minus = detail::column_means(negative);
  const Eigen::VectorX<Real> v = (plus - minus).transpose();
  if (!v.allFinite()) {
    throw numeric_error(text({"mean_difference: an activation is ", actual("not finite")}));
  }
  return v;
}

namespace detail {

STEER_BODY steering_vector named_vector(const recorder& recorded, vector_name of, std::string method) {
  const auto n = recorded.count(side::positive);
  const auto m = recorded.count(side::negative);
  if (n == 0 || m == 0) {
    throw numeric_error(
        text({thing({method, " \"", of.name, "\""}), ": the recorder has ",
              actual({n, " positive and ", m, " negative"}), " texts; expected ", expected("at least one of each")}));
  }
  steering_vector out;
  out.name = std::move(of.name);
  out.point = recorded.options().point;
  out.source = {recorded.shape().name, recorded.shape().fingerprint, std::move(method), std::move(of.contrast),
                to_string(recorded.options().tokens), n, m};
  return out;
}

STEER_BODY direction measured_direction(const Eigen::Ref<const matrix<float>>& positive,
                                        const Eigen::Ref<const matrix<float>>& negative, const Eigen::VectorXd& v,
                                        const Eigen::VectorXd& middle, pairing pairs, std::optional<double> row_norm,
                                        const method_ref& method, const std::string& who) {
  const Eigen::VectorX<Real>& found = v;
  const Eigen::VectorX<Real>& between = middle;
  direction out;
  out.values = found.template cast<float>();
  out.row_norm = row_norm;
  out.origin = between.template cast<float>();
  if (const double spread = spread_along(positive, negative, found.normalized()); spread > 0.0) {
    out.spread = spread;
  }
  out.evidence = measured_evidence(positive, negative, pairs, v, row_norm, method);
  check(out, who);
  return out;
}

}  // namespace detail

STEER_BODY steering_vector mean_difference(const recorder& recorded, vector_name of) {
  steering_vector out = detail::named_vector(recorded, std::move(of), "mean_difference");
  constexpr double rounding = 1e-12;  // of sums in double; texts in another order differ by as much
  const pairing pairs = recorded.paired() ? pairing::paired : pairing::unpaired;
  const auto method = [](const matrix<float>& p, const matrix<float>& q) { return mean_difference(p, q); };
  for (const int layer : recorded.options().layers) {
    const Eigen::VectorX<Real> plus = recorded.mean(layer, side::positive);
    const Eigen::VectorX<Real> minus = recorded.mean(layer, side::negative);
    const Eigen::VectorX<Real> v = plus - minus;
    const std::string who = text({"mean_difference \"", out.name, "\""});
    if (v.norm() <= rounding * (plus.norm() + minus.norm())) {
      throw numeric_error(text({thing(who), ", layer ", at_layer(layer), ": the two sides have ",
                                actual("the same mean"), "; a direction needs ", expected("a norm above 0")}));
    }
    out.directions[layer] = detail::measured_direction(
        recorded.texts(layer, side::positive), recorded.texts(layer, side::negative), v, 0.5 * (plus + minus), pairs,
        recorded.mean_row_norm(layer), detail::method_ref(method), text({who, ", layer ", layer}));
  }
  return out;
}

}  // namespace v0
}  // namespace steer
