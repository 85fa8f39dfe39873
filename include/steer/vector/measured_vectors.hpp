// steer/vector/measured_vectors.hpp: steering vectors together with what their doses do.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/vector/response.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// @throws argument_error if the response was not measured with these vectors
inline void require_measured(const std::vector<steering_vector>& vectors, const response& r, const std::string& who) {
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

/// Vectors and what their doses do, in the response's order.
struct measured_vectors {
  std::vector<steering_vector> vectors = {};
  steer::response response = {};

  bool operator==(const measured_vectors&) const = default;
};

/// @throws as `check` of a response and of each vector; argument_error if the response was measured with other vectors
inline void check(const measured_vectors& measured) {
  detail::require_measured(measured.vectors, measured.response, "measured vectors");
  for (const steering_vector& v : measured.vectors) {
    check(v);
  }
}

}  // namespace v0
}  // namespace steer
