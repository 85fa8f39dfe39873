// steer/recipe/options.hpp: what the calls of a recipe take, by name.
//
// Each repeats where an edit acts, gate and norm: designated initialisers do not reach into a base.
#pragma once

#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {

/// Options of `recipe::add`.
struct add_options {
  float strength = 1.0F;
  std::optional<strength_unit> unit = std::nullopt;
  float cap = add_edit{}.cap;
  std::vector<int> layers = {};
  schedule rows = {};
  steer::gate gate = {};
  norm_mode norm = {};
  std::optional<int> head = std::nullopt;
};

/// Options of `recipe::scale`.
struct scale_options {
  float amount = 1.0F;
  std::vector<int> layers = {};
  schedule rows = {};
  steer::gate gate = {};
  norm_mode norm = {};
  std::optional<int> head = std::nullopt;
};

/// Options of `recipe::ablate`.
struct ablate_options {
  std::vector<int> layers = {};
  schedule rows = {};
  steer::gate gate = {};
  norm_mode norm = {};
  std::optional<int> head = std::nullopt;
};

/// Options of `recipe::set`, `cap`, `floor` and `keep_within`.
struct bound_options {
  strength_unit unit = strength_unit::unit;
  coordinate_origin origin = coordinate_origin::zero;
  float ridge = 0.0F;
  std::vector<int> layers = {};
  schedule rows = {};
  steer::gate gate = {};
  norm_mode norm = {};
  std::optional<int> head = std::nullopt;
};

/// Options of `recipe::erase`.
struct erase_options {
  coordinate_origin origin = coordinate_origin::zero;
  std::vector<int> layers = {};
  schedule rows = {};
  steer::gate gate = {};
  norm_mode norm = {};
  std::optional<int> head = std::nullopt;
};

/// Options of `recipe::set_angle` and `rotate`.
struct turn_options {
  float angle = 0.0F;  ///< in radians, from the plane's first vector towards its second
  steer::point point = steer::point::residual_out;
  std::vector<int> layers = {};
  schedule rows = {};
  steer::gate gate = {};
  norm_mode norm = {};
  std::optional<int> head = std::nullopt;
};

/// Options of `recipe::turn_towards`.
struct towards_options {
  float share = 0.0F;  ///< of the angle
  std::vector<int> layers = {};
  schedule rows = {};
  steer::gate gate = {};
  norm_mode norm = {};
  std::optional<int> head = std::nullopt;
};

/// Options of `recipe::transform`.
struct transform_options {
  float blend = 1.0F;
  steer::point point = steer::point::residual_out;
  std::vector<int> layers = {};
  schedule rows = {};
  steer::gate gate = {};
  norm_mode norm = {};
  std::optional<int> head = std::nullopt;
};

/// Options of `recipe::watch`.
struct watch_options {
  watched_norm norm = watched_norm::ignored;
  std::vector<int> layers = {};
  schedule rows = {};
  std::optional<int> head = std::nullopt;
};

namespace detail {

/// An operation where its options say.
template <class Options>
edit place(operation what, Options&& options) {
  edit out{.operation = std::move(what), .layers = std::move(options.layers), .rows = std::move(options.rows),
           .head = options.head};
  if constexpr (requires { options.gate; }) {
    out.gate = std::move(options.gate);
    out.norm = options.norm;
  }
  if constexpr (requires { options.point; }) {
    out.point = options.point;
  }
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
