// steer/measure/norm_ratios.hpp: how long a steered model's rows are, beside the plain model's.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <vector>

#include "steer/core/answered_request.hpp"
#include "steer/core/hook_ref.hpp"
#include "steer/core/host.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/model_shape.hpp"

namespace steer {
inline namespace v0 {

/// ‖h steered‖ / ‖h plain‖ of rows at `residual_out`, by layer.
using norm_ratios = std::map<int, std::vector<double>>;

namespace detail {

STEER_API std::vector<norm_ratios> measure_norm_ratios(const model_shape& shape, std::span<const answered_request> requests,
                                                       std::span<const hook_ref<float>> hooks,
                                                       const std::function<void(std::span<const asked_text>, hook_ref<float>)>& run);

}  // namespace detail

/// Takes the ratios of the rows that foretell an answer after the request without the instruction, as hooks leave them. Rows that grow or
/// shrink say that a dose pushes the model where it has never been.
///
/// @return one for each hook: at each layer a number for each row
/// @throws argument_error for requests as `check` refuses them, or a host without rows at `residual_out`, positions or sequences;
///         host_error if it did not show every row; numeric_error for a plain row of length 0
/// @cost   for each text a pass plain and one for each hook; L n floats for n rows
template <class Model>
  requires batch_host<Model> || logits_host<Model>
std::vector<norm_ratios> measure_norm_ratios(Model& model, std::span<const answered_request> requests,
                                             std::span<const hook_ref<float>> hooks) {
  return detail::measure_norm_ratios(model.shape(), requests, hooks, [&](std::span<const asked_text> texts, hook_ref<float> hook) {
    ask(model, texts, hook, [](std::size_t, logits_view) {});
  });
}

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/measure/norm_ratios.ipp"
#endif
