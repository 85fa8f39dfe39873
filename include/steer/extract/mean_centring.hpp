// steer/extract/mean_centring.hpp: what sets a few texts apart from all texts.
#pragma once

#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/extract/moments.hpp"
#include "steer/extract/sample_rows.hpp"

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
STEER_API Eigen::VectorXd mean_centred(const sample_rows& target, const moments& corpus);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/mean_centring.ipp"
#endif
