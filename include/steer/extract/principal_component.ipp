// steer/extract/principal_component.ipp: the bodies of principal_component.hpp.
#pragma once

#include <cmath>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/principal_axes.hpp"
#include "steer/extract/principal_component.hpp"
#include "steer/extract/samples.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY component principal_component(const sample_rows& positive, const sample_rows& negative,
                                         component_options options) {
  const char* const who = "principal_component";
  const bool pooled = options.of == component_of::pooled;
  detail::require_sides(positive, negative, options.of == component_of::centred_differences ? 2 : 1, who);
  const Eigen::Index n = positive.rows();
  const Eigen::Index m = negative.rows();
  if (!pooled && n != m) {
    throw shape_error(text({who, ": ", expected(n), " positive and ", actual(m),
                            " negative samples are no pairs; expected as many, or component_of::pooled"}));
  }
  const Eigen::RowVectorX<Real> mean_positive = detail::column_means(positive);
  const Eigen::RowVectorX<Real> mean_negative = detail::column_means(negative);
  const Eigen::RowVectorX<Real> difference = mean_positive - mean_negative;
  const matrix<Real> plus = detail::in_double(positive);
  const matrix<Real> minus = detail::in_double(negative);
  matrix<Real> samples(pooled ? n + m : n, positive.cols());
  Eigen::RowVectorX<Real> centre = Eigen::RowVectorX<Real>::Zero(positive.cols());
  if (pooled) {
    samples << plus, minus;
  } else {
    samples = plus - minus;
  }
  if (options.of != component_of::differences) {
    centre = detail::column_means(samples);
    samples.rowwise() -= centre;
  }
  const detail::axes found = detail::principal_axes(samples, 1, who);
  const matrix<Real>& axis = found.rows;
  Eigen::VectorX<Real> v = axis.row(0).transpose();
  const double side = difference.dot(v);
  constexpr double rounding = 1e-12;
  if (!(std::abs(side) > rounding * difference.norm())) {
    throw numeric_error(
        text({who, ": the sides' means ", actual("do not differ"), " along the component, so it has no sign"}));
  }
  v *= side < 0.0 ? -1.0 : 1.0;
  const Eigen::ArrayX<Real> along = (samples * v).array();
  Eigen::Index right = 0;
  if (pooled) {
    const double middle = 0.5 * (along.head(n).mean() + along.tail(m).mean());
    right = (along.head(n) > middle).count() + (along.tail(m) < middle).count();
  } else {
    right = (along + centre.dot(v) > 0.0).count();
  }
  return {v, found.squares[0] / found.total, static_cast<double>(right) / static_cast<double>(samples.rows())};
}

}  // namespace v0
}  // namespace steer
