// Makes an inference engine of your own a host: it tells its shape, and calls a hook at each site.
// An engine in C does it as in c_engine.cpp.

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <span>
#include <vector>

#include "exit_code.hpp"
#include "steer/steer.hpp"

// Two residual layers, four numbers wide; what they compute is beside the point.
class toy_engine {
 public:
  toy_engine() {
    shape_.name = "toy";
    shape_.layers = 2;
    shape_.width = width;
    shape_.points = {steer::point::residual_out};
    shape_.facts = {steer::row_fact::token, steer::row_fact::position, steer::row_fact::prompt_length};
  }
  const steer::model_shape& shape() const { return shape_; }

  // hook_ref takes any hook, so this is no template.
  void evaluate(std::span<const std::int32_t> tokens, steer::hook_ref<float> hook) {
    hook.require_fit(shape_);  // one that was made for another model is refused
    const auto count = static_cast<std::int32_t>(tokens.size());
    std::vector<steer::row_info> info;
    residual_.clear();
    for (std::int32_t t = 0; t < count; ++t) {
      info.push_back({.token = tokens[t], .position = t, .prompt_length = count});  // the facts promised above
      for (int i = 0; i < width; ++i) {
        residual_.push_back(std::cos(static_cast<float>(tokens[t] * (i + 1))));
      }
    }
    for (int layer = 0; layer < shape_.layers; ++layer) {
      for (float& h : residual_) {
        h += std::sin(h + static_cast<float>(layer));
      }
      const steer::site here{layer, steer::point::residual_out};
      if (hook.access(here) != steer::access::none) {
        hook(here, {residual_.data(), count, width, width, info});
      }
    }
  }
  std::vector<float> last_row() const { return {residual_.end() - width, residual_.end()}; }

 private:
  static constexpr int width = 4;
  steer::model_shape shape_;
  std::vector<float> residual_;  // [tokens, width]
};
static_assert(steer::host<toy_engine>);  // so recorders can record it

int main() {
  toy_engine engine;
  steer::recorder recorder(engine.shape(), {.tokens = steer::last_token{}});
  recorder.record(engine, std::vector{1, 2, 3}, std::vector{1, 2, 5});
  steer::recipe recipe;
  recipe.add(steer::mean_difference(recorder, {.name = "three"}), {.strength = 0.5F});
  const auto run = [&](steer::hook_ref<float> hook) {
    engine.evaluate(std::vector{4, 6}, hook);
    return engine.last_row();
  };
  const steer::no_hook none;
  const steer::plan off;  // empty: skips every site
  const steer::plan on(recipe, engine.shape());
  std::printf("no hook:     %6.2f%6.2f ...\n", run(none)[0], run(none)[1]);
  std::printf("empty plan:  %s\n", run(off) == run(none) ? "the same bits" : "other bits");
  std::printf("steered:     %6.2f%6.2f ...\n", run(on)[0], run(on)[1]);
  return example::exit_code();
}
