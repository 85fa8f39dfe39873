// steer/vector/steering_vector.ipp: the bodies of steering_vector.hpp.
#pragma once

#include <string>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/core/site.hpp"
#include "steer/vector/direction.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY void check(const steering_vector& v) {
  const std::string who = text({"steering vector \"", v.name, "\""});
  if (v.point > last_of(v.point)) {
    throw argument_error(text({thing(who), ": its point is ", actual(static_cast<int>(v.point)), "; expected ",
                               expected({"0 to ", static_cast<int>(last_of(v.point))})}));
  }
  if (v.directions.empty()) {
    throw shape_error(
        text({thing(who), ": has ", actual("no directions"), "; expected ", expected("at least one layer")}));
  }
  for (const auto& [layer, direction] : v.directions) {
    const std::string where = text({who, ", layer ", layer});
    if (layer < 0) {
      throw shape_error(text(
          {thing(who), ", layer ", at_layer(layer), ": layers are zero-based; expected ", expected("0 or above")}));
    }
    check(direction, where);
    if (direction.values.size() != v.width()) {
      throw shape_error(text({thing(who), ", layer ", at_layer(layer), ": has width ", actual(direction.values.size()),
                              "; layer ", v.directions.begin()->first, " has ", expected(v.width())}));
    }
  }
}

}  // namespace v0
}  // namespace steer
