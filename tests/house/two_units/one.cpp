// The umbrella in one unit, and in two.cpp in another: whatever is not inline is defined twice and does not link.

#include <steer/steer.hpp>

#include "two_units.hpp"

std::string refusal_in_one() { return refusal_of(7); }

int main() { return refusal_in_one() == refusal_in_two() && !refusal_in_one().empty() ? 0 : 1; }
