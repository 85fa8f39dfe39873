// expect: no match for|invalid operands
#include <steer/compose/algebra.hpp>
#include <steer/vector/plane.hpp>

int main() {
  const steer::steering_vector vector;
  const steer::plane plane;
  return (vector + plane).directions.empty();
}
