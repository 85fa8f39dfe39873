// expect: no matching (function|constructor)
#include <steer/core/hook_ref.hpp>
#include <steer/inject/session.hpp>

int main() {
  const steer::session session{steer::recipe{}, steer::model_shape{}};  // it could not remember
  const steer::hook_ref<float> reference{session};
}
