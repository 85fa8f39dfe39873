// expect: no matching (member )?function|cannot convert|does not refer to any field
#include <steer/recipe/recipe.hpp>

int main() {
  steer::recipe recipe;
  recipe.scale(steer::steering_vector{}, {.layers = {2}});
}
