// expect: no matching (function|constructor)
// expect: noexcept
#include <steer/core/hook_ref.hpp>

struct careless {
  steer::access access(steer::site) const noexcept { return steer::access::read; }
  void operator()(steer::site, steer::rows<float>) const {}  // may throw
};

int main() {
  careless hook;
  const steer::hook_ref<float> reference{hook};
}
