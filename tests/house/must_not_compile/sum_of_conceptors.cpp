// expect: no match for|invalid operands
#include <steer/compose/algebra.hpp>
#include <steer/compose/boolean.hpp>

int main() {
  const steer::conceptor c;
  return (c + c).matrix.size() == 0;
}
