// expect: strenght
#include <steer/recipe/recipe.hpp>

int main() {
  steer::recipe recipe;
  recipe.add(steer::steering_vector{}, {.strenght = 0.2F});
}
