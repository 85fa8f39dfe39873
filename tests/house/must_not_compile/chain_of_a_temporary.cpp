// expect: cannot bind|expects an lvalue|no (matching|viable)
#include <steer/core/chain.hpp>

int main() { const steer::chain both(steer::no_hook{}, steer::no_hook{}); }
