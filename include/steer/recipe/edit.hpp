// steer/recipe/edit.hpp: one change to the activations, and where it acts, as plain data.
//
// To add an edit: write `edits/<name>.hpp` with its fields, name it in `operation`, and give it a form (inject/form_of.hpp) and a
// formula (compose/apply_edit.hpp). Plans, checks, digests, laws and benchmarks follow.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/core/site.hpp"
#include "steer/recipe/edits/add.hpp"
#include "steer/recipe/edits/bound.hpp"
#include "steer/recipe/edits/erase.hpp"
#include "steer/recipe/edits/scale.hpp"
#include "steer/recipe/edits/towards.hpp"
#include "steer/recipe/edits/transform.hpp"
#include "steer/recipe/edits/turn.hpp"
#include "steer/recipe/edits/watch.hpp"
#include "steer/recipe/gate.hpp"
#include "steer/recipe/norm_mode.hpp"
#include "steer/recipe/schedule.hpp"

namespace steer {
inline namespace v0 {

/// What an edit has to say of itself.
template <class Edit>
concept edit_operation = std::equality_comparable<Edit> && detail::has_fields<Edit> &&
    requires { { Edit::name } -> std::convertible_to<std::string_view>; };

/// Every edit there is.
using operation = std::variant<add_edit, scale_edit, bound_edit, erase_edit, angle_edit, rotate_edit, towards_edit,
                               transform_edit, watch_edit>;

/// One operation, with the layers, rows and circumstances in which it acts.
struct edit {
  steer::operation operation = add_edit{};
  /// Empty: every layer for which all its vectors have a direction (its gate's do not count); every layer of the model if it
  /// has no vectors.
  std::vector<int> layers = {};
  schedule rows = {};
  steer::gate gate = {};
  norm_mode norm = {};
  /// At `attention_heads`: only the columns of this head. Vectors are as wide as a head then, and every norm is that of the
  /// slice.
  std::optional<int> head = std::nullopt;
  /// Where an edit without vectors acts. Vectors have a point of their own.
  steer::point point = steer::point::residual_out;

  bool operator==(const edit&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    std::visit(
        [&visit](auto& op) {
          visit("operation", std::string_view(op.name));
          std::remove_cvref_t<decltype(op)>::fields(op, visit);
        },
        self.operation);
    visit("layers", self.layers);
    visit("rows", self.rows);
    visit("gate", self.gate);
    visit("norm", self.norm);
    visit("head", self.head);
    visit("point", self.point);
  }
};

namespace detail {

/// Calls `use(vector)` for each steering vector of the operation; those of the gate are not among them.
template <class Use>
void each_vector_of(const operation& what, Use use) {
  std::visit([&](const auto& op) { op.fields(op, each_vector{use}); }, what);
}

}  // namespace detail

/// "add \"happy\"", for messages.
STEER_API std::string to_string(const edit& e);

/// The vector of an edit that has one.
/// @throws argument_error if it has several or none
STEER_API const steering_vector& only_vector(const edit& e);

/// The point at which an edit acts: its vectors', or else its own.
STEER_API point point_of(const edit& e);

/// @throws shape_error, numeric_error or argument_error, naming the edit, if its parts have no meaning
STEER_API void check(const edit& e);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/recipe/edit.ipp"
#endif
