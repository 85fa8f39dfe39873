// steer/extract/mean_centring.hpp: what sets a few texts apart from all texts.
#pragma once

#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/moments.hpp"
#include "steer/extract/samples.hpp"

namespace steer {
inline namespace v0 {

/// mean(target) - mean(corpus): for a concept that has no opposite. The corpus is streamed once and serves every
/// concept.
///
/// @param target  activations that show the behaviour
/// @param corpus  moments of the activations of ordinary text at the same site; variances suffice
/// @shape  target [n, d]; returns [d]
/// @throws shape_error if the widths differ; numeric_error for no sample, NaN, an empty corpus, or equal means
/// @cost   O(n d)
/// @source Jorgensen et al. 2023, arXiv:2312.03813; deviation: none
template <class Target>
Eigen::VectorXd mean_centred(const Eigen::MatrixBase<Target>& target, const moments& corpus) {
  const char* const who = "mean_centred";
  if (target.cols() != corpus.width()) {
    throw shape_error(detail::text({who, ": the target has width ", detail::actual(target.cols()), ", the corpus ",
                                    detail::expected(corpus.width()), "; expected the same"}));
  }
  const Eigen::VectorXd mean =
      detail::column_means(detail::samples(target, 1, detail::text({who, ", target"}))).transpose();
  const Eigen::VectorXd v = mean - corpus.mean();
  constexpr double rounding = 1e-12;
  if (v.norm() <= rounding * (mean.norm() + corpus.mean().norm())) {
    throw numeric_error(detail::text({who, ": target and corpus have ", detail::actual("the same mean"),
                                      "; a direction needs ", detail::expected("a norm above 0")}));
  }
  return v;
}

}  // namespace v0
}  // namespace steer
