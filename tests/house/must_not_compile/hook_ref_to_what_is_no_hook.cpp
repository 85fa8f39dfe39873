// expect: no matching (function|constructor)
// expect: (required for the satisfaction of|because|constraints not satisfied).*hook
#include <steer/core/hook_ref.hpp>

int main() {
  int number = 0;
  const steer::hook_ref<float> reference{number};
}
