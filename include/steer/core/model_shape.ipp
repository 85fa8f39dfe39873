// steer/core/model_shape.ipp: the bodies of model_shape.hpp.
#pragma once

#include <cstddef>
#include <string>

#include "steer/core/error.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/core/real.hpp"
#include "steer/core/rows.hpp"
#include "steer/core/site.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY std::ptrdiff_t model_shape::width_at(steer::point p) const noexcept {
  if (!points.contains(p)) {
    return 0;
  }
  return p == steer::point::attention_heads ? heads * head_width : width;
}

STEER_BODY void model_shape::require_stream(int stream, steer::point p, const std::string& who) const {
  using namespace detail;
  const int count = streams_at(p);
  if (count <= 1 || stream < 0 || stream >= count) {
    throw shape_error(text({thing(who), ": stream ", actual(stream), " does not exist; model \"", name, "\" has ",
                            expected(count > 1 ? text({"streams 0 to ", count - 1}) : std::string("one row a token")), " at ", to_string(p)}));
  }
}

STEER_BODY void model_shape::require(site s, const std::string& who) const {
  using namespace detail;
  if (s.layer < 0 || s.layer >= layers) {
    throw shape_error(text({thing(who), ": layer ", at_layer(s.layer), " does not exist; model \"", name, "\" has ",
                            expected(layers > 0 ? text({"layers 0 to ", layers - 1}) : std::string("no layers"))}));
  }
  if (!points.contains(s.point)) {
    throw shape_error(
        text({thing(who), ": the host of model \"", name, "\" does not show ", expected(to_string(s.point))}));
  }
}

STEER_BODY void model_shape::require(row_fact fact, const std::string& who) const {
  using namespace detail;
  if (!facts.contains(fact)) {
    throw argument_error(text({thing(who), ": needs each row's ", expected(to_string(fact)),
                               ", which the host of model \"", name, "\" does not supply"}));
  }
}

}  // namespace v0
}  // namespace steer
