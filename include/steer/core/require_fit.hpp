// steer/core/require_fit.hpp: whether a hook that was made for a model meets that model.
#pragma once

#include <concepts>
#include <type_traits>

#include "steer/core/hook.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/model_shape.hpp"

namespace steer {
inline namespace v0 {

/// A hook that was made for a model says for which; one that skips every site may have an empty shape.
template <class Hook>
concept shaped_hook = requires(const Hook& h) {
  { h.shape() } noexcept -> std::same_as<const model_shape&>;
};

/// A hook that refers to others asks each of them.
template <class Hook>
concept hook_of_hooks = requires(const Hook& h, const model_shape& host) { h.require_fit(host); };

namespace detail {

/// @throws as `require_fit`, for one site at which the hook acts
STEER_API void require_fit_at(site s, const model_shape& made_for, const model_shape& host);

/// @throws as `require_fit`, for the facts of rows
STEER_API void require_facts(const model_shape& made_for, const model_shape& host);

}  // namespace detail

/// What a host checks before it calls a hook, which cannot throw by then: every site at which the hook acts is there, with
/// rows as wide as those that the hook was made for, as many for a token, of the same weights where both are known, and with the same facts. A hook
/// that was made for no model in particular fits every one.
///
/// @throws shape_error for a layer, point, width, number of streams or fingerprint that differs; argument_error for a fact that the host does not
///         supply
/// @cost   a question of `access` for each site of the hook's model; allocates nothing
template <class Hook>
void require_fit(Hook&& target, const model_shape& host) {
  if constexpr (hook_of_hooks<std::remove_cvref_t<Hook>>) {
    target.require_fit(host);
  } else if constexpr (shaped_hook<std::remove_cvref_t<Hook>>) {
    const model_shape& made_for = target.shape();
    bool acts = false;
    for (int layer = 0; layer < made_for.layers; ++layer) {
      for (const point p : all_points) {
        if (target.access(site{layer, p}) != access::none) {
          detail::require_fit_at({layer, p}, made_for, host);
          acts = true;
        }
      }
    }
    if (acts) {
      detail::require_facts(made_for, host);
    }
  }
}

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/core/require_fit.ipp"
#endif
