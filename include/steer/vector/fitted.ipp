// steer/vector/fitted.ipp: the bodies of fitted.hpp.
#pragma once

#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/vector/fitted.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY void check(const fitted& f) {
  for (const auto& [name, number] : {std::pair<std::string_view, const std::optional<estimate>*>{"recovery", &f.recovery},
                                     {"drift", &f.drift}}) {
    if (*number && !(std::isfinite((*number)->value) && std::isfinite((*number)->error) && (*number)->error >= 0.0)) {
      throw numeric_error(text({thing({"fitted \"", f.behaviour, "\""}), ": its ", name, " is ",
                                actual({(*number)->value, " +- ", (*number)->error}), "; expected ", expected("finite numbers")}));
    }
  }
  for (const auto& [layer, here] : f.layers) {
    if (layer < 0) {
      throw argument_error(text({thing({"fitted \"", f.behaviour, "\""}), ": has layer ", at_layer(layer), "; expected ",
                                 expected("0 or above")}));
    }
    if (!std::isfinite(here.explained) || !std::isfinite(here.norm_ratio)) {
      throw numeric_error(text({thing({"fitted \"", f.behaviour, "\""}), ", layer ", at_layer(layer), ": ",
                                actual({here.explained, " explained at a norm ratio of ", here.norm_ratio}), "; expected ",
                                expected("finite numbers")}));
    }
  }
}

}  // namespace v0
}  // namespace steer
