// Steers an engine that is written in C: a hook is two function pointers and a user pointer there.

#include <cstddef>
#include <cstdio>
#include <Eigen/Core>

#include "exit_code.hpp"
#include "steer/steer.hpp"

extern "C" {

// This much a C engine has to have: a place for the two functions, and a call of them at each site.
struct toy_engine {
  steer::steer_hook_call call;
  steer::steer_hook_access access;
  void* user;
};

static void toy_run(const toy_engine* engine, float* h, int width) {
  const steer::row_info row = {7, 0, 0, 1, steer::phase::prompt};
  for (int layer = 0; layer < 3; ++layer) {
    for (int i = 0; i < width; ++i) {
      h[i] *= 2;
    }
    const int point = static_cast<int>(steer::point::residual_out);
    if (engine->access(engine->user, layer, point) != 0) {
      engine->call(engine->user, layer, point, h, 1, width, width, &row);
    }
  }
}

// The other direction: two C functions that are a hook.
static int watch_all(void*, int, int) { return static_cast<int>(steer::access::read); }

static void print_row(void* user, int layer, int, float* data, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t,
                      const steer::row_info*) {
  std::printf("%s layer %d: %.2f %.2f\n", static_cast<const char*>(user), layer, data[0], data[1]);
}
}

int main() {
  steer::model_shape shape;
  shape.name = "toy";
  shape.layers = 3;
  shape.width = 2;
  shape.points = {steer::point::residual_out};

  const steer::steering_vector up{.name = "up", .directions = {{1, {.values = Eigen::Vector2f(0.0F, 1.0F)}}}};
  steer::recipe recipe;
  recipe.add(up, {.strength = 0.5F});
  const steer::plan plan(recipe, shape);

  char label[] = "watched:";
  const steer::c_hook watcher{print_row, watch_all, label};  // C functions, a C++ hook
  const steer::chain both(plan, watcher);
  const steer::c_hook out = steer::c_hook::of(both, shape);  // a C++ hook that fits the engine, C functions

  const toy_engine engine{out.call, out.query, out.user};
  float h[] = {1.0F, 1.0F};
  toy_run(&engine, h, 2);
  return example::exit_code();
}
