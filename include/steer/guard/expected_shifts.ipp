// steer/guard/expected_shifts.ipp: the bodies of expected_shifts.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "steer/core/real.hpp"
#include "steer/guard/expected_shifts.hpp"
#include "steer/recipe/edit.hpp"
#include "steer/recipe/recipe.hpp"
#include "steer/vector/response.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// The doses that a recipe gives to the vectors of a response; nothing if it does something else.
template <class Real>
std::vector<double> doses_in(const response& known, const dosed_recipe& part) {
  const auto place_of = [&](const std::string& name) {
    return static_cast<std::size_t>(std::find(known.vectors.begin(), known.vectors.end(), name) - known.vectors.begin());
  };
  std::vector<double> out(known.vectors.size(), 0.0);
  std::size_t whole = place_of(part.name.substr(0, part.name.find('@')));
  if (whole == out.size() && part.source->fitted) {
    whole = place_of(part.source->fitted->behaviour);
  }
  if (whole < out.size()) {
    out[whole] = part.dose;
    return out;
  }
  for (const edit& e : part.source->recipe.edits()) {
    const auto* const addition = std::get_if<add_edit>(&e.operation);
    const std::size_t at = addition != nullptr ? place_of(addition->vector.name) : out.size();
    placement plain{.layers = known.dose_unit.layers};
    plain.gate.share = e.where.gate.share;
    if (at == out.size() || addition->unit != known.dose_unit.unit || addition->cap != known.dose_unit.cap || !(e.where == plain)) {
      return {};
    }
    out[at] += part.dose * static_cast<double>(plain.gate.share) * static_cast<double>(addition->strength);
  }
  return out;
}

}  // namespace detail

STEER_BODY std::map<std::string, estimate> expected_shifts(const dosed_recipe& part) {
  std::map<std::string, estimate> out;
  if (part.source->response) {
    const response& known = *part.source->response;
    const std::vector<double> doses = detail::doses_in<Real>(known, part);
    if (!doses.empty()) {
      const std::vector<estimate> shifts = predict(known, doses);
      for (std::size_t i = 0; i < shifts.size(); ++i) {
        out[known.readouts[i]] = shifts[i];
      }
    }
  }
  return out;
}

}  // namespace v0
}  // namespace steer
