// steer/measure/decouple.ipp: the bodies of decouple.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/measure/decouple.hpp"
#include "steer/measure/dose.hpp"
#include "steer/vector/measured_vectors.hpp"
#include "steer/vector/response.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY std::vector<steering_vector> decouple(const std::vector<steering_vector>& vectors, const response& measured,
                                             const invertible& limits) {
  const std::string who = "decouple";
  detail::require_measured(vectors, measured, who);
  if (measured.dose_unit.unit == strength_unit::of_row_norm) {
    throw argument_error(
        text({who, ": the response was measured in ", actual("of_row_norm"),
              ", whose doses have no length of their own; use dose, or measure in ", expected("of_norm")}));
  }
  const Eigen::MatrixX<Real> inverse = detail::inverse_response(measured, limits, who);
  const Eigen::MatrixX<Real> mix = inverse * measured.slope.diagonal().asDiagonal();
  std::vector<steering_vector> out(vectors.size());
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    out[i].name = vectors[i].name;
    out[i].point = vectors[i].point;
    out[i].source = vectors[i].source;
    out[i].source.method = text({vectors[i].source.method, ", decoupled from"});
    for (std::size_t j = 0; j < vectors.size(); ++j) {
      out[i].source.method += j == i ? "" : " " + vectors[j].name;
    }
    for (const auto& [layer, own] : vectors[i].directions) {
      const auto& layers = measured.dose_unit.layers;
      if (!layers.empty() && std::find(layers.begin(), layers.end(), layer) == layers.end()) {
        continue;
      }
      Eigen::VectorX<Real> sum = Eigen::VectorX<Real>::Zero(own.values.size());
      for (std::size_t j = 0; j < vectors.size(); ++j) {
        const auto found = vectors[j].directions.find(layer);
        if (found == vectors[j].directions.end() || found->second.values.size() != sum.size()) {
          throw shape_error(text({who, ": \"", vectors[j].name, "\" has no direction of width ", expected(sum.size()),
                                  " at layer ", at_layer(layer), ", as \"", vectors[i].name, "\" has"}));
        }
        const direction& v = found->second;
        const double size = detail::size_of(measured.dose_unit.unit, v, text({who, ": \"", vectors[j].name, "\""}));
        sum += mix(static_cast<Eigen::Index>(j), static_cast<Eigen::Index>(i)) * size * unit(v);
      }
      out[i].directions[layer].values = sum.template cast<float>();
    }
    check(out[i]);
  }
  return out;
}

}  // namespace v0
}  // namespace steer
