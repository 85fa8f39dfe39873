// steer/adapter/llama_cpp/control_vector_rows.hpp: a plan as llama.cpp's own control vector, where it is one.
#pragma once

#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/inject/plan.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// The rows of a control vector in llama.cpp's layout: layers 1 to L-1. Empty if the plan does anything else.
/// @shape returns [(L - 1) * d] or [0]
STEER_API std::vector<float> control_vector_rows(const plan& source, const model_shape& shape);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/adapter/llama_cpp/control_vector_rows.ipp"
#endif
