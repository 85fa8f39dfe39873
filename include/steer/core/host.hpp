// steer/core/host.hpp: what the library asks of a model that calls hooks.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "steer/core/hook_ref.hpp"
#include "steer/core/model_shape.hpp"

namespace steer {
inline namespace v0 {

/// A model that can run a text through itself and call a hook at every site on the way.
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

}  // namespace v0
}  // namespace steer
