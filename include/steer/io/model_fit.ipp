// steer/io/model_fit.ipp: the bodies of model_fit.hpp.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>

#include "steer/core/error.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/core/real.hpp"
#include "steer/io/model_fit.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY void check_fits(const steering_vector& v, const model_shape& model, const std::string& file) {
  const auto fail = [&](std::initializer_list<text_part> parts) {
    throw format_error(text({thing({"steering vector \"", v.name, "\""}), " ", text(parts), " (file ", file, ")"}));
  };
  const std::ptrdiff_t width = model.width_at(v.point);
  for (const auto& [layer, direction] : v.directions) {
    if (layer < 0 || layer >= model.layers) {
      fail({"has a direction for layer ", at_layer(layer), "; the model \"", model.name, "\" has ",
            expected(model.layers), " layers"});
    }
    if (direction.values.size() != width) {
      fail({"has width ", actual(direction.values.size()), " at layer ", at_layer(layer), "; the model \"", model.name,
            "\" has ", expected(width), " at ", to_string(v.point)});
    }
  }
}

}  // namespace v0
}  // namespace steer
