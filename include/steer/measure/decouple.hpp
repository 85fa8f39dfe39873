// steer/measure/decouple.hpp: vectors of which each moves its own readout and no other.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/measure/dose.hpp"
#include "steer/vector/response.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

/// Mixes the vectors so that a unit dose of each moves its own readout as far as before and the others not at all, as far as
/// the response is linear.
///
///     d_i = Σ_j v_j (B⁻¹ diag B)_ji        v_j in units of dose, at every layer of the response
///
/// Their lengths carry meaning, so their unit is raw: `recipe.add(decoupled[i], {.strength = dose})` gives a dose in the units
/// of the response. They have no norms, evidence or origin: nothing was measured along them.
///
/// @param vectors  those that the response was measured with, in the same order
/// @throws shape_error if the vectors' layers or widths differ; argument_error if the vectors do not fit the response, or it was
///         measured in `of_row_norm`: such doses have no length of their own (use `dose`, or measure in `of_norm`);
///         numeric_error as `dose`
/// @cost   O(L k² d + k³)
inline std::vector<steering_vector> decouple(const std::vector<steering_vector>& vectors, const response& measured,
                                             const invertible& limits = {}) {
  const std::string who = "decouple";
  detail::require_measured(vectors, measured, who);
  if (measured.dosage.unit == strength_unit::of_row_norm) {
    throw argument_error(detail::text({who, ": the response was measured in ", detail::actual("of_row_norm"),
                                       ", whose doses have no length of their own; use dose, or measure in ",
                                       detail::expected("of_norm")}));
  }
  const Eigen::MatrixXd mix = detail::inverse_response(measured, limits, who) * measured.slope.diagonal().asDiagonal();
  std::vector<steering_vector> out(vectors.size());
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    out[i].name = vectors[i].name;
    out[i].point = vectors[i].point;
    out[i].source = vectors[i].source;
    out[i].source.method = detail::text({vectors[i].source.method, ", decoupled from"});
    for (std::size_t j = 0; j < vectors.size(); ++j) {
      out[i].source.method += j == i ? "" : " " + vectors[j].name;
    }
    for (const auto& [layer, own] : vectors[i].directions) {
      const auto& layers = measured.dosage.layers;
      if (!layers.empty() && std::find(layers.begin(), layers.end(), layer) == layers.end()) {
        continue;
      }
      Eigen::VectorXd sum = Eigen::VectorXd::Zero(own.values.size());
      for (std::size_t j = 0; j < vectors.size(); ++j) {
        const auto found = vectors[j].directions.find(layer);
        if (found == vectors[j].directions.end() || found->second.values.size() != sum.size()) {
          throw shape_error(
              detail::text({who, ": \"", vectors[j].name, "\" has no direction of width ", detail::expected(sum.size()),
                            " at layer ", detail::at_layer(layer), ", as \"", vectors[i].name, "\" has"}));
        }
        const direction& v = found->second;
        const double size =
            detail::size_of(measured.dosage.unit, v, detail::text({who, ": \"", vectors[j].name, "\""}));
        sum += mix(static_cast<Eigen::Index>(j), static_cast<Eigen::Index>(i)) * size * unit(v);
      }
      out[i].directions[layer].values = sum.cast<float>();
    }
    check(out[i]);
  }
  return out;
}

}  // namespace v0
}  // namespace steer
