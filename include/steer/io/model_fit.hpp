// steer/io/model_fit.hpp: whether what a file holds fits a model.
#pragma once

#include <string>

#include "steer/core/linkage.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

/// Checks width and layers of a vector against a model before anything is built from it.
///
/// @param file  where it comes from, for the message
/// @throws format_error naming file, layer, expected and actual if the model has other widths or fewer layers
STEER_API void check_fits(const steering_vector& v, const model_shape& model, const std::string& file);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/model_fit.ipp"
#endif
