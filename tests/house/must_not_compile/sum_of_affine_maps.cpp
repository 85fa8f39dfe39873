// expect: no match for|invalid operands
#include <steer/compose/algebra.hpp>
#include <steer/vector/affine_map.hpp>

int main() {
  const steer::affine_map map;
  return (map + map).index() == 0;
}
