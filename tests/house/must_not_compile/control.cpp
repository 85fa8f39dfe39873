// control
#include <steer/core/c_hook.hpp>
#include <steer/core/chain.hpp>
#include <steer/steer.hpp>

struct engine {
  steer::model_shape sizes;
  const steer::model_shape& shape() const { return sizes; }
  std::vector<std::int32_t> tokenize(std::string_view) const { return {}; }
  void evaluate(std::span<const std::int32_t>, steer::hook_ref<float>) {}
};

int main() {
  engine model;
  steer::no_hook nothing;
  steer::recorder recorder(model.shape());
  recorder.record(model, "a happy text", "a sad text");
  steer::recipe recipe;
  recipe.add(steer::steering_vector{}, {.strength = 0.2F}).scale(steer::steering_vector{}, {.factor = 2.0F});
  recipe.add(steer::steering_vector{}, {.layers = {2}}).ablate(steer::steering_vector{}, {.share = 0.5F}, {.head = 1});
  const auto load = [] { return steer::load_control_vector("x", steer::control_vector_producer::repeng); };
  static_cast<void>(load);
  const steer::plan plan{recipe, model.shape()};
  plan(steer::site{}, steer::rows<float>{});
  steer::session session{recipe, model.shape()};
  const steer::hook_ref<float> remembering{session};
  const steer::plane plane = steer::plane_through({}, {});
  recipe.rotate(plane, {.angle = 0.5F}).transform(steer::affine_map{});
  const steer::steering_vector one;
  recipe.add(0.5 * one + one - one / 2.0);
  recipe.transform(steer::conceptor{}.map(), {.share = 0.5F}).transform(steer::subspace{}.removal());
  recipe.transform(steer::eraser{}.map());
  const steer::chain both(nothing, plan);
  const steer::c_hook hook = steer::c_hook::of(both);
  const steer::hook_ref<float> reference{recorder};
  return static_cast<int>(reference.access({})) + static_cast<int>(remembering.access({})) +
         static_cast<int>(hook.access({}));
}
