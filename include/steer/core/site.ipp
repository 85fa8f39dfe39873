// steer/core/site.ipp: the bodies of site.hpp.
#pragma once

#include <string>
#include <string_view>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/core/site.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY point point_from_string(std::string_view name) {
  for (const point p : all_points) {
    if (to_string(p) == name) {
      return p;
    }
  }
  throw argument_error(text({"point \"", actual(name), "\" is unknown; expected ",
                             expected("residual_in, attention_heads, attention_out, mlp_out or "
                                      "residual_out")}));
}

STEER_BODY std::string to_string(site s) { return text({"layer ", s.layer, " ", to_string(s.point)}); }

}  // namespace v0
}  // namespace steer
