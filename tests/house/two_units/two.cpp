#include <steer/steer.hpp>

#include "two_units.hpp"

std::string refusal_in_two() { return refusal_of(7); }
