// expect: cannot bind|expects an lvalue|no matching function
#include <steer/core/c_hook.hpp>
#include <steer/inject/plan.hpp>

int main() { const steer::c_hook hook = steer::c_hook::of(steer::plan{}); }
