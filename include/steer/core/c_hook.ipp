// steer/core/c_hook.ipp: the bodies of c_hook.hpp.
#pragma once

#include "steer/core/c_hook.hpp"
#include "steer/core/hook.hpp"
#include "steer/core/real.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY steer::access c_hook::access(site where) const noexcept {
  const int answer = query(user, where.layer, static_cast<int>(where.point));
  return answer <= 0 ? steer::access::none : answer == 1 ? steer::access::read : steer::access::write;
}

STEER_BODY void c_hook::operator()(site where, rows<float> activations) const noexcept {
  call(user, where.layer, static_cast<int>(where.point), activations.data, activations.count, activations.width,
       activations.stride, activations.info.data());
}

}  // namespace v0
}  // namespace steer
