// expect: no matching (function|constructor)
#include <steer/core/hook_ref.hpp>
#include <steer/extract/recorder.hpp>

int main() {
  const steer::recorder recorder{steer::model_shape{}};  // it could not record
  const steer::hook_ref<float> reference{recorder};
}
