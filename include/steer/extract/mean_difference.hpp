// steer/extract/mean_difference.hpp: the direction from one side's mean to the other's.
#pragma once

#include <optional>
#include <string>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/measure_evidence.hpp"
#include "steer/extract/recorder.hpp"
#include "steer/extract/sample_rows.hpp"
#include "steer/vector/direction.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

/// Direction from the negative to the positive mean activation.
///
///     v = mean(positive) - mean(negative)
///
/// @param positive  activations that show the behaviour
/// @param negative  activations that lack it
/// @return the direction, unnormalised, in double
/// @shape  positive [n, d], negative [m, d]; returns [d]
/// @units  those of the activations
/// @throws shape_error if widths differ or a side is empty; numeric_error on NaN or infinity
/// @cost   O((n + m) d), one pass at the speed of the memory, sums in double
/// @source Rimsky et al. 2023, arXiv:2312.06681; deviation: none
STEER_API Eigen::VectorXd mean_difference(const sample_rows& positive, const sample_rows& negative);

/// What the caller knows of a contrast.
struct vector_name {
  std::string name = {};      ///< the concept
  std::string contrast = {};  ///< "happy - sad", free text
};

namespace detail {

/// What a recorder says of a vector whose directions are still to be found.
/// @throws numeric_error if a side has no text
STEER_API steering_vector named_vector(const recorder& recorded, vector_name of, std::string method);

/// A direction with what can be measured along it.
/// @shape  positive [n, d], negative [m, d], v and middle [d]
/// @throws as `check` of a direction, which `who` names, and `measure_evidence`
STEER_API direction measured_direction(const Eigen::Ref<const matrix<float>>& positive,
                                       const Eigen::Ref<const matrix<float>>& negative, const Eigen::VectorXd& v,
                                       const Eigen::VectorXd& middle, pairing pairs, std::optional<double> row_norm,
                                       const method_ref& method, const std::string& who);

}  // namespace detail

/// The steering vector of everything that a recorder has recorded: per layer the difference of the sides' means over the
/// texts, each text being the mean of its selected rows, with its norms and evidence.
///
/// @throws numeric_error naming the layer if a side has no text or the two means are equal up to rounding
/// @cost   O(n L d), held-out figures included
/// @source Rimsky et al. 2023, arXiv:2312.06681; deviation: any token selection, pooled per text
STEER_API steering_vector mean_difference(const recorder& recorded, vector_name of);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/mean_difference.ipp"
#endif
