// steer/extract/mean_difference.ipp: the bodies of mean_difference.hpp.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/mean_difference.hpp"
#include "steer/extract/measure_evidence.hpp"
#include "steer/extract/recorder.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY steering_vector named_vector(const recorder& recorded, vector_name of, std::string method) {
  const auto n = recorded.count(side::positive);
  const auto m = recorded.count(side::negative);
  if (n == 0 || m == 0) {
    throw numeric_error(
        text({thing({method, " \"", of.name, "\""}), ": the recorder has ",
              actual({n, " positive and ", m, " negative"}), " texts; expected ", expected("at least one of each")}));
  }
  steering_vector out;
  out.name = std::move(of.name);
  out.point = recorded.options().point;
  out.source = {recorded.shape().name, recorded.shape().fingerprint, std::move(method), std::move(of.contrast),
                to_string(recorded.options().tokens), n, m};
  return out;
}

}  // namespace detail


STEER_BODY steering_vector mean_difference(const recorder& recorded, vector_name of) {
  steering_vector out = detail::named_vector(recorded, std::move(of), "mean_difference");
  constexpr double rounding = 1e-12;  // of sums in double; texts in another order differ by as much
  const pairing pairs = recorded.paired() ? pairing::paired : pairing::unpaired;
  const auto method = [](const auto& p, const auto& q) { return mean_difference(p, q); };
  for (const int layer : recorded.options().layers) {
    const Eigen::VectorXd plus = recorded.mean(layer, side::positive);
    const Eigen::VectorXd minus = recorded.mean(layer, side::negative);
    const Eigen::VectorXd v = plus - minus;
    const std::string who = detail::text({"mean_difference \"", out.name, "\""});
    if (v.norm() <= rounding * (plus.norm() + minus.norm())) {
      throw numeric_error(
          detail::text({detail::thing(who), ", layer ", detail::at_layer(layer), ": the two sides have ",
                        detail::actual("the same mean"), "; a direction needs ", detail::expected("a norm above 0")}));
    }
    out.directions[layer] = detail::measured_direction(
        recorded.texts(layer, side::positive), recorded.texts(layer, side::negative), v, 0.5 * (plus + minus), pairs,
        recorded.mean_row_norm(layer), method, detail::text({who, ", layer ", layer}));
  }
  return out;
}

}  // namespace v0
}  // namespace steer
