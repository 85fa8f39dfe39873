// A stranger's program: all it knows of steer is this include.

#include <steer/steer.hpp>

#include <cstdio>

int main() {
  steer::model_shape shape;
  shape.name = "a stranger's model";
  shape.layers = 2;
  shape.width = 8;
  shape.points = {steer::point::residual_out};
  std::printf("width %d\n", static_cast<int>(shape.width_at(steer::point::residual_out)));
  return shape.width_at(steer::point::mlp_out) == 0 ? 0 : 1;
}
