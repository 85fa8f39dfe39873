// steer/recipe/edits/bound.ipp: the bodies of bound.hpp.
#pragma once

#include <cstddef>
#include <limits>
#include <string>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/recipe/edits/bound.hpp"
#include "steer/vector/strength_unit.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY void bound_edit::check_more(const std::string& who) const {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  if (vectors.empty() || low.size() != vectors.size() || high.size() != vectors.size()) {
    throw argument_error(text(
        {who, ": has ", actual({vectors.size(), " vectors, ", low.size(), " low and ", high.size(), " high bounds"}),
         "; expected ", expected("the same number, at least one")}));
  }
  for (std::size_t i = 0; i < low.size(); ++i) {
    if (low[i] > high[i] || low[i] == infinity || high[i] == -infinity) {
      throw argument_error(text(
          {who, ": bounds ", i, " are ", actual({low[i], " and ", high[i]}), "; expected ", expected("low <= high")}));
    }
  }
  if (unit == strength_unit::of_row_norm) {
    throw argument_error(text({who, ": bounds have no unit ", actual("of_row_norm"), "; expected ",
                               expected("raw, unit, of_norm or sigma")}));
  }
}

}  // namespace v0
}  // namespace steer
