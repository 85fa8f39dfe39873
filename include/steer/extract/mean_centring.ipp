// steer/extract/mean_centring.ipp: the bodies of mean_centring.hpp.
#pragma once

#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/mean_centring.hpp"
#include "steer/extract/moments.hpp"
#include "steer/extract/samples.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY Eigen::VectorXd mean_centred(const sample_rows& target, const moments& corpus) {
  const char* const who = "mean_centred";
  if (target.cols() != corpus.width()) {
    throw shape_error(text({who, ": the target has width ", actual(target.cols()), ", the corpus ",
                            expected(corpus.width()), "; expected the same"}));
  }
  const matrix<Real> rows = detail::samples(target, 1, text({who, ", target"}));
  const Eigen::RowVectorX<Real> means = detail::column_means(rows);
  const Eigen::VectorX<Real> mean = means.transpose();
  const Eigen::VectorX<Real>& ordinary = corpus.mean();
  const Eigen::VectorX<Real> v = mean - ordinary;
  constexpr double rounding = 1e-12;
  if (v.norm() <= rounding * (mean.norm() + ordinary.norm())) {
    throw numeric_error(text({who, ": target and corpus have ", actual("the same mean"), "; a direction needs ",
                              expected("a norm above 0")}));
  }
  return v;
}

}  // namespace v0
}  // namespace steer
