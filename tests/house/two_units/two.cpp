#include "two_units.hpp"

outcome of_unit_two() { return outcome_of_a_unit(); }
