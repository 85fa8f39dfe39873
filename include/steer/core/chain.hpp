// steer/core/chain.hpp: several hooks as one.
#pragma once

#include <algorithm>
#include <tuple>

#include "steer/core/hook.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/core/require_fit.hpp"

namespace steer {
inline namespace v0 {

/// Runs hooks in the order given: `chain both(recorder, plan)` records what the plan has not yet touched.
///
/// Refers to the hooks, which must outlive it; a temporary is refused at compile time.
template <class... Hooks>
class chain {
 public:
  explicit chain(Hooks&... hooks) noexcept : hooks_(&hooks...) {}

  [[nodiscard]] steer::access access(site where) const noexcept {
    return std::apply(
        [where](auto*... hook) {
          steer::access most = steer::access::none;
          ((most = std::max(most, hook->access(where))), ...);
          return most;
        },
        hooks_);
  }

  template <class Scalar>
    requires(hook<Hooks, Scalar> && ...)
  void operator()(site where, rows<Scalar> activations) const noexcept {
    std::apply(
        [&](auto*... hook) {
          ((hook->access(where) != steer::access::none ? (*hook)(where, activations) : void()), ...);
        },
        hooks_);
  }

  /// Asks each of the hooks, see steer::require_fit.
  void require_fit(const model_shape& host) const {
    std::apply([&](auto*... hook) { (steer::require_fit(*hook, host), ...); }, hooks_);
  }

 private:
  std::tuple<Hooks*...> hooks_;
};
static_assert(hook<chain<no_hook, const no_hook>, float>);

}  // namespace v0
}  // namespace steer
