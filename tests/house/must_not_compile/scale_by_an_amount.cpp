// expect: no matching (member )?function|amount
#include <steer/recipe/recipe.hpp>

int main() {
  steer::recipe recipe;
  recipe.scale(steer::steering_vector{}, {.amount = 2.0F});
}
