// expect: no matching function|too few arguments
#include <steer/io/control_vector.hpp>

int main() { steer::load_control_vector("happy.gguf"); }
