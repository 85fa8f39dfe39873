// steer/measure/take_readings.hpp: where readouts stand under a hook, and how far they move from one to another.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/hook.hpp"
#include "steer/core/hook_ref.hpp"
#include "steer/core/host.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/measure/readout.hpp"
#include "steer/measure/token_text.hpp"
#include "steer/vector/response.hpp"

namespace steer {
inline namespace v0 {

/// The readings of one readout under one hook.
struct readings {
  std::vector<readout_sample> samples = {};
  steer::pooling pooling = steer::pooling::mean;
};

namespace detail {

/// A readout's value, and by how much each sample moves it.
struct pooled_readings {
  double value = 0.0;
  Eigen::VectorXd influence = {};  // [n]
};

STEER_API pooled_readings pool(const readings& all);

/// @throws argument_error for a token of any text that the vocabulary does not have
STEER_API void require_tokens(const std::vector<readout>& readouts, const std::vector<std::string>& names,
                           Eigen::Index vocabulary);

/// What `take_readings` does, for a host of any type.
/// @param run  gives the logits of texts, as the host does
STEER_API std::vector<readings> take_readings(
    const model_shape& shape, const std::vector<readout>& readouts,
    const std::function<void(std::span<const token_text> texts, const logits_sink& sink)>& run);

}  // namespace detail

/// A readout in nats.
/// @return with the standard error by samples, which are independent, their positions need not be; NaN for a single one
/// @source Cochran 1977, Sampling Techniques, section 6.3 (ratio estimator)
STEER_API estimate value_of(const readings& all);

/// How far a readout moved, from one hook to another over the same samples: most of what differs between texts cancels.
STEER_API estimate shift_of(const readings& from, const readings& to);

/// Runs the readouts' texts under a hook; readouts that have the same texts share the pass.
///
/// @return one for each readout
/// @throws before the first pass as `check` of a readout; with the first logits, and naming readout and text, argument_error for
///         a token of any text that the model does not have; host_error if the host leaves out a text or a row of its logits;
///         numeric_error naming readout and text if a reading is not finite, or the readings of one add up to nothing
/// @cost   one forward pass over every different set of texts
template <logits_host Model>
std::vector<readings> take_readings(Model& model, const std::vector<readout>& readouts, hook_ref<float> hook) {
  return detail::take_readings(model.shape(), readouts, [&](std::span<const token_text> texts, const logits_sink& sink) {
    model.logits(texts, hook, sink);
  });
}

/// The same without steering.
template <logits_host Model>
std::vector<readings> take_readings(Model& model, const std::vector<readout>& readouts) {
  no_hook nothing;
  return take_readings(model, readouts, nothing);
}

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/measure/take_readings.ipp"
#endif
