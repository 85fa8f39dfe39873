// expect: no match for|invalid operands
#include <steer/compose/algebra.hpp>
#include <steer/vector/subspace.hpp>

int main() {
  const steer::subspace space;
  return (2.0 * space).basis.size() == 0;
}
