// expect: no matching (function|constructor)|cannot bind|expects an lvalue|(use of|call to) deleted
#include <steer/core/hook_ref.hpp>

int main() { const steer::hook_ref<float> reference{steer::no_hook{}}; }
