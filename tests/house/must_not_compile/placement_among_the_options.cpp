// expect: no matching (member )?function
#include <steer/recipe/recipe.hpp>

int main() {
  steer::recipe recipe;
  recipe.add(steer::steering_vector{}, {.strength = 0.2F, .layers = {2}});
}
