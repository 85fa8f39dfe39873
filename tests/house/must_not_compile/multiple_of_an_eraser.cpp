// expect: no match for|invalid operands
#include <steer/compose/algebra.hpp>
#include <steer/extract/leace.hpp>

int main() {
  const steer::eraser eraser;
  return (eraser * 0.5).mean.size() == 0;
}
