// steer/extract/principal_subspace.hpp: the few dimensions in which samples lie.
#pragma once

#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/extract/sample_rows.hpp"
#include "steer/vector/subspace.hpp"

namespace steer {
inline namespace v0 {

/// The first k right singular vectors, about zero. Each points to the side on which the samples' mean lies, and where
/// the mean has no component along it, to that of its largest element.
///
/// @param samples  differences of pairs, or any rows
/// @shape  samples [n, d]
/// @throws numeric_error for NaN, fewer than k samples, or samples that span fewer than k dimensions; argument_error if
///         k is below 1
/// @cost   O(n d min(n, d) + min(n, d)³)
/// @source Zou et al. 2023, arXiv:2310.01405, for more than one component; deviation: signs are determined
STEER_API subspace principal_subspace(const sample_rows& samples, Eigen::Index k);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/principal_subspace.ipp"
#endif
