// steer/core/hook_ref.hpp: any hook behind one type, without owning it.
#pragma once

#include <concepts>
#include <memory>
#include <type_traits>

#include "steer/core/hook.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/core/require_fit.hpp"

namespace steer {
inline namespace v0 {

/// Refers to a hook whose type is forgotten. For function parameters: the hook must outlive the reference, which is why
/// a temporary is refused at compile time.
///
/// @cost three words; a call through a pointer; allocates nothing
template <class Scalar = float>
class hook_ref {
 public:
  template <class Hook>
    requires hook<Hook, Scalar> && (!std::same_as<std::remove_cv_t<Hook>, hook_ref>)
  hook_ref(Hook& target) noexcept  // implicit: a hook is passed where a reference to one is expected
      : target_(const_cast<void*>(static_cast<const void*>(std::addressof(target)))),
        access_([](void* hook, site where) noexcept { return static_cast<Hook*>(hook)->access(where); }),
        call_([](void* hook, site where, rows<Scalar> activations) noexcept {
          (*static_cast<Hook*>(hook))(where, activations);
        }),
        fit_([](void* hook, const model_shape& host) { steer::require_fit(*static_cast<Hook*>(hook), host); }) {}

  template <class Hook>
    requires hook<const Hook, Scalar> && (!std::same_as<Hook, hook_ref>)
  hook_ref(const Hook&&) = delete;  // it would be gone before the reference is used

  [[nodiscard]] steer::access access(site where) const noexcept { return access_(target_, where); }
  void operator()(site where, rows<Scalar> activations) const noexcept { call_(target_, where, activations); }

  /// Asks the hook, see steer::require_fit.
  void require_fit(const model_shape& host) const { fit_(target_, host); }

 private:
  void* target_;
  steer::access (*access_)(void*, site) noexcept;
  void (*call_)(void*, site, rows<Scalar>) noexcept;
  void (*fit_)(void*, const model_shape&);
};
static_assert(hook<hook_ref<float>, float> && hook<const hook_ref<double>, double>);

}  // namespace v0
}  // namespace steer
