// expect: no matching (member )?function|too few arguments
#include <steer/recipe/recipe.hpp>

int main() {
  steer::recipe recipe;
  recipe.scale(steer::steering_vector{});
}
