// steer/vector/measured_vectors.ipp: the bodies of measured_vectors.hpp.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/vector/measured_vectors.hpp"
#include "steer/vector/response.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY void require_measured(const std::vector<steering_vector>& vectors, const response& r, const std::string& who) {
  check(r);
  if (vectors.size() != r.vectors.size()) {
    throw argument_error(text({thing(who), ": has ", actual(vectors.size()),
                               " vectors; the response was measured with ", expected(r.vectors.size())}));
  }
  for (std::size_t j = 0; j < vectors.size(); ++j) {
    if (vectors[j].name != r.vectors[j]) {
      throw argument_error(text({thing(who), ": vector ", j, " is ", actual({"\"", vectors[j].name, "\""}),
                                 "; the response was measured with ", expected({"\"", r.vectors[j], "\""}), " there"}));
    }
  }
}

}  // namespace detail


STEER_BODY void check(const measured_vectors& measured) {
  detail::require_measured(measured.vectors, measured.response, "measured vectors");
  for (const steering_vector& v : measured.vectors) {
    check(v);
  }
}

}  // namespace v0
}  // namespace steer
