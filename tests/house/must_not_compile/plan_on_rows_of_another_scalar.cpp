// expect: could not convert|no (matching function|viable conversion|match for call)|no known conversion
#include <steer/inject/plan.hpp>

int main() {
  const steer::plan plan;  // of floats
  plan(steer::site{}, steer::rows<double>{});
}
