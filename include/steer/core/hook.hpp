// steer/core/hook.hpp: what a host calls at a site with a batch of rows.
#pragma once

#include <concepts>
#include <cstdint>

#include "steer/core/rows.hpp"
#include "steer/core/site.hpp"

namespace steer {
inline namespace v0 {

/// What a hook does at a site. The host skips `none`, may pass a copy to `read`, and must use what `write` leaves.
enum class access : std::uint8_t { none, read, write };

/// Something that a host calls after it has computed an activation and before anything reads it.
///
/// Both members are `noexcept`: everything that can be wrong is found when the hook is built for the model's shape.
/// `access` must give the same answer for the same site throughout one forward pass.
template <class Hook, class Scalar = float>
concept hook = requires(Hook& h, const site where, const rows<Scalar> activations) {
  { h.access(where) } noexcept -> std::same_as<steer::access>;
  { h(where, activations) } noexcept;
};

/// The hook that does nothing; a host that is compiled with it pays nothing.
struct no_hook {
  static constexpr steer::access access(site) noexcept { return steer::access::none; }
  template <class Scalar>
  constexpr void operator()(site, rows<Scalar>) const noexcept {}
};
static_assert(hook<no_hook, float> && hook<const no_hook, double>);

}  // namespace v0
}  // namespace steer
