// options: -std=c++17
// expect: steer needs C\+\+20: compile with -std=c\+\+20
#include <steer/steer.hpp>
