// steer/inject/step.hpp: what one edit does at one site, its unit resolved to numbers.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "steer/core/model_shape.hpp"
#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {

/// Whether a plan accepts vectors that were measured on another model than the one it is compiled for.
enum class model_check : std::uint8_t {
  same_fingerprint,  ///< refuse a vector whose fingerprint is known and differs from the host's
  any,               ///< widths and layers must fit, no more: for a model and its fine-tuned siblings
};

namespace detail {

enum class step_kind : std::uint8_t {
  add,              ///< h += vector
  add_of_row_norm,  ///< h += min(|h on entry|, limit) * vector
  scale,            ///< h -= factor * vector (vector . h), |vector| = 1
};

/// An edit at one site: plain numbers in double.
struct step {
  step_kind kind = step_kind::add;
  row_selection rows;
  Eigen::VectorXd vector;  // [width of the site]
  double factor = 1.0;
  double limit = std::numeric_limits<double>::infinity();

  [[nodiscard]] bool does_nothing() const { return factor == 0.0 || vector.isZero(0.0); }

  /// Additions that stand side by side and agree in everything but the vector are one addition.
  [[nodiscard]] bool folds_with(const step& next) const {
    return kind != step_kind::scale && kind == next.kind && rows == next.rows && limit == next.limit;
  }
};

/// The layers at which an edit acts on a model.
/// @throws shape_error or argument_error for layers that the vector or the model lacks
inline std::vector<int> layers_of(const edit& e, const model_shape& shape) {
  const std::string who = to_string(e);
  std::vector<int> layers = e.layers;
  if (layers.empty()) {
    for (const auto& [layer, direction] : e.vector.directions) {
      layers.push_back(layer);
    }
  }
  std::set<int> seen;
  for (const int layer : layers) {
    shape.require({layer, e.vector.point}, who);
    if (!e.vector.directions.contains(layer)) {
      throw shape_error(text(who, ": layer ", layer, " has no direction; the vector has layers ",
                             e.vector.directions.begin()->first, " to ", e.vector.directions.rbegin()->first));
    }
    if (!seen.insert(layer).second) {
      throw argument_error(text(who, ": layer ", layer, " is named twice"));
    }
  }
  return layers;
}

/// The unit of an addition: the one named, else `of_norm`, or `raw` for a vector without norms.
/// @throws argument_error if some layers have a norm and some have none
inline strength_unit unit_of(const edit& e, const add_edit& add, const std::vector<int>& layers) {
  if (add.unit) {
    return *add.unit;
  }
  const auto has_norm = [&](int layer) { return e.vector.directions.at(layer).row_norm.has_value(); };
  if (std::all_of(layers.begin(), layers.end(), has_norm)) {
    return strength_unit::of_norm;
  }
  if (std::none_of(layers.begin(), layers.end(), has_norm)) {
    return strength_unit::raw;
  }
  throw argument_error(text(to_string(e), ": only some of its layers have a mean row norm; name a unit"));
}

inline step add_step(const edit& e, const add_edit& add, strength_unit unit, int layer) {
  const direction& v = e.vector.directions.at(layer);
  const auto measured = [&](const std::optional<double>& value, const char* name) {
    if (!value) {
      throw argument_error(text(to_string(e), ", layer ", layer, ": unit ", to_string(unit), " needs the vector's ", name,
                                ", which it does not have"));
    }
    return *value;
  };
  step out;
  out.rows = e.rows;
  out.vector = static_cast<double>(add.strength) * (unit == strength_unit::raw ? v.values.cast<double>() : steer::unit(v));
  if (unit == strength_unit::of_norm) {
    out.vector *= measured(v.row_norm, "mean row norm");
  } else if (unit == strength_unit::sigma) {
    out.vector *= measured(v.spread, "spread");
  } else if (unit == strength_unit::of_row_norm) {
    out.kind = step_kind::add_of_row_norm;
    if (std::isfinite(add.cap)) {
      out.limit = static_cast<double>(add.cap) * measured(v.row_norm, "mean row norm");
    }
  }
  return out;
}

inline step scale_step(const edit& e, const scale_edit& scale, int layer) {
  step out;
  out.kind = step_kind::scale;
  out.rows = e.rows;
  out.vector = steer::unit(e.vector.directions.at(layer));
  out.factor = static_cast<double>(scale.amount);
  return out;
}

/// Calls `use(site, step)` for every site at which the edit acts.
/// @throws as `basic_plan`
template <class Use>
void resolve(const edit& e, const model_shape& shape, model_check models, Use use) {
  check(e);
  const std::string who = to_string(e);
  const provenance& source = e.vector.source;
  if (models == model_check::same_fingerprint && !source.fingerprint.empty() && !shape.fingerprint.empty() &&
      source.fingerprint != shape.fingerprint) {
    throw argument_error(text(who, ": was measured on model \"", source.model, "\" with fingerprint ", source.fingerprint,
                              "; the host's model \"", shape.name, "\" has ", shape.fingerprint));
  }
  if (e.rows.phase) {
    shape.require(row_fact::phase, who);
  }
  if (e.rows.by_position()) {
    shape.require(row_fact::position, who);
  }
  const std::vector<int> layers = layers_of(e, shape);
  if (const std::ptrdiff_t width = shape.width_at(e.vector.point); width != e.vector.width()) {
    throw shape_error(text(who, ": has width ", e.vector.width(), "; model \"", shape.name, "\" has ", width, " at ",
                           to_string(e.vector.point)));
  }
  for (const int layer : layers) {
    if (const auto* add = std::get_if<add_edit>(&e.operation)) {
      use(site{layer, e.vector.point}, add_step(e, *add, unit_of(e, *add, layers), layer));
    } else {
      use(site{layer, e.vector.point}, scale_step(e, std::get<scale_edit>(e.operation), layer));
    }
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
