// The umbrella in one unit, and in two.cpp in another: what both define does not link, and what they compute is the same.

#include "two_units.hpp"

outcome of_unit_one() { return outcome_of_a_unit(); }

int main() {
  const outcome expected{{1.0F, 2.0F, 0.0F, 4.0F}, of_unit_two().refusal};
  return of_unit_one() == expected && of_unit_two() == expected && !expected.refusal.empty() ? 0 : 1;
}
