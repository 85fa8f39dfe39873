// expect: (use of|call to) deleted
#include <steer/core/hook_ref.hpp>

const steer::no_hook make() { return {}; }

int main() { const steer::hook_ref<float> reference{make()}; }
