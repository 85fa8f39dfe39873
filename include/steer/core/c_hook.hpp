// steer/core/c_hook.hpp: hooks across a C boundary, in both directions.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

#include "steer/core/hook.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/core/require_fit.hpp"

namespace steer {
inline namespace v0 {

extern "C" {
/// Calls a hook: `data` holds `count` rows of `width` floats, `stride` floats apart; `info` has one entry per row, or is
/// null where the engine's shape promises no facts. An entry is four int32 (token, position, sequence, prompt length), a
/// byte, 0 in the prompt and 1 in what is generated, and another, the residual stream (0 where a token has one): 20 bytes in all.
typedef void (*steer_hook_call)(void* user, int layer, int point, float* data, std::ptrdiff_t count,
                                std::ptrdiff_t width, std::ptrdiff_t stride, const row_info* info);
/// Asks a hook: 0 skips the site, 1 reads it, 2 writes it.
typedef int (*steer_hook_access)(void* user, int layer, int point);
}

/// A hook as two C function pointers and the user data that they receive.
///
/// A C engine calls `call(user, ...)` where `access(user, ...)` is not 0; `c_hook::of` makes one from any hook. Filled in
/// by a C engine with functions of its own, it is itself a hook. The functions must not throw.
struct c_hook {
  steer_hook_call call = nullptr;
  steer_hook_access query = nullptr;
  void* user = nullptr;

  /// Function pointers that reach `target`, which must outlive them.
  template <class Hook>
    requires hook<Hook, float>
  static c_hook of(Hook& target) noexcept {
    return {[](void* self, int layer, int point, float* data, std::ptrdiff_t count, std::ptrdiff_t width,
               std::ptrdiff_t stride, const row_info* info) {
              if (exists(point)) {
                (*static_cast<Hook*>(self))(
                    site{layer, static_cast<steer::point>(point)},
                    rows<float>{data, count, width, stride, {info, info == nullptr ? 0 : static_cast<std::size_t>(count)}});
              }
            },
            [](void* self, int layer, int point) {
              return exists(point) ? static_cast<int>(static_cast<Hook*>(self)->access(
                                         site{layer, static_cast<steer::point>(point)}))
                                   : static_cast<int>(steer::access::none);
            },
            const_cast<void*>(static_cast<const void*>(std::addressof(target)))};
  }

  /// The same for an engine of this shape: C cannot be told by an exception that a hook was made for another model.
  /// @throws as `require_fit`
  template <class Hook>
    requires hook<Hook, float>
  static c_hook of(Hook& target, const model_shape& engine) {
    require_fit(target, engine);
    return of(target);
  }

  /// Whether a number from C is a point; a hook skips all others.
  static constexpr bool exists(int point) noexcept { return point >= 0 && point < static_cast<int>(point_count); }

  STEER_API [[nodiscard]] steer::access access(site where) const noexcept;
  STEER_API void operator()(site where, rows<float> activations) const noexcept;
};
static_assert(hook<const c_hook, float>);
static_assert(std::is_standard_layout_v<row_info> && sizeof(row_info) == 20);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/core/c_hook.ipp"
#endif
