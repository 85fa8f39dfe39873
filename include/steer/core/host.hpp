// steer/core/host.hpp: what the library asks of a model that calls hooks.
#pragma once

#include <Eigen/Core>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "steer/core/hook_ref.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/model_shape.hpp"

namespace steer {
inline namespace v0 {

/// A model that can run a text through itself and call a hook at every site on the way. It calls `require_fit` first, since
/// a hook that was made for another model can do nothing about it later.
///
/// `evaluate(tokens, hook)` treats the tokens as one new sequence, all of them prompt, from position 0; what it did for
/// earlier texts leaves no trace.
template <class Host>
concept host = requires(Host& model, std::span<const std::int32_t> tokens, hook_ref<float> observer) {
  { model.shape() } -> std::convertible_to<const model_shape&>;
  model.evaluate(tokens, observer);
};

/// A host that also turns text into its own tokens, with what a text begins with (such as a BOS token) included.
template <class Host>
concept text_host = host<Host> && requires(Host& model, std::string_view text) {
  { model.tokenize(text) } -> std::convertible_to<std::vector<std::int32_t>>;
};

/// What a model says after each token of a text, row t about token t + 1.
/// @shape [T, V], a view that lives as long as the call that it is passed to
using logits_view = Eigen::Map<const matrix<float>>;

/// Takes the logits of a text, named by its index.
using logits_sink = std::function<void(std::size_t text, logits_view logits)>;

/// A host that gives logits: `logits(texts, hook, sink)` runs each text as `evaluate` does, as many at once as it likes, and
/// calls the sink once for each, in order.
template <class Host>
concept logits_host = host<Host> && requires(Host& model, std::span<const std::vector<std::int32_t>> texts,
                                             hook_ref<float> hook, const logits_sink& sink) {
  model.logits(texts, hook, sink);
};

}  // namespace v0
}  // namespace steer
