// expect: no match for|invalid operands
#include <steer/compose/algebra.hpp>
#include <steer/vector/plane.hpp>

int main() {
  const steer::plane plane;
  return (0.5 * plane).first.size() == 0;
}
