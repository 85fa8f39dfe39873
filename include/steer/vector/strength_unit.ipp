// steer/vector/strength_unit.ipp: the bodies of strength_unit.hpp.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/vector/steering_vector.hpp"
#include "steer/vector/strength_unit.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY strength_unit strength_unit_from_string(std::string_view name) {
  using enum strength_unit;
  for (const strength_unit unit : {raw, strength_unit::unit, of_norm, of_row_norm, sigma}) {
    if (to_string(unit) == name) {
      return unit;
    }
  }
  throw argument_error(text({"strength unit ", actual({"\"", name, "\""}), "; expected ",
                             expected("raw, unit, of_norm, of_row_norm or sigma")}));
}

namespace detail {

STEER_BODY double measured(const std::optional<double>& value, strength_unit unit, const char* name,
                       const std::string& who) {
  if (!value) {
    throw argument_error(text({thing(who), ": unit ", to_string(unit), " needs ", expected({"the vector's ", name}),
                               ", which it does not have"}));
  }
  return *value;
}

STEER_BODY double size_of(strength_unit unit, const direction& v, const std::string& who) {
  switch (unit) {
    case strength_unit::raw: return v.values.cast<Real>().norm();
    case strength_unit::of_norm: return measured(v.row_norm, unit, "mean row norm", who);
    case strength_unit::sigma: return measured(v.spread, unit, "spread", who);
    default: return 1.0;
  }
}

STEER_BODY strength_unit unit_or_default(const std::optional<strength_unit>& named, const steering_vector& vector,
                                     const std::vector<int>& layers, const std::string& who) {
  if (named) {
    return *named;
  }
  const auto has_norm = [&](int layer) { return vector.directions.at(layer).row_norm.has_value(); };
  if (std::all_of(layers.begin(), layers.end(), has_norm)) {
    return strength_unit::of_norm;
  }
  if (std::none_of(layers.begin(), layers.end(), has_norm)) {
    return strength_unit::raw;
  }
  throw argument_error(
      text({thing(who), ": ", actual("only some of its layers"), " have a mean row norm; name ", expected("a unit")}));
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
