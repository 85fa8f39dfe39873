// steer/recipe/field.ipp: the bodies of field.hpp.
#pragma once

#include <cmath>
#include <string>
#include <string_view>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/recipe/field.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY void field_check::operator()(std::string_view name, double number, domain allowed) const {
  if (!contains(allowed, number)) {
    throw numeric_error(
        text({thing(who), ": ", name, " is ", actual(number), "; expected ", expected(to_string(allowed))}));
  }
}

STEER_BODY void field_check::operator()(std::string_view name, const std::vector<float>& numbers, domain allowed) const {
  for (const float number : numbers) {
    (*this)(name, static_cast<double>(number), allowed);
  }
}

STEER_BODY void field_check::operator()(std::string_view, const steering_vector& vector) const { check(vector); }

}  // namespace detail
}  // namespace v0
}  // namespace steer
