// steer/recipe/edit.hpp: one change to the activations, and where it acts, as plain data.
//
// To add an edit: write `edits/<name>.hpp` with its fields, name it in `operation`, and give it a form (inject/form_of.hpp) and a
// formula (compose/apply_edit.hpp). Plans, checks, digests, laws and benchmarks follow.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "steer/core/linkage.hpp"
#include "steer/core/site.hpp"
#include "steer/recipe/edits/ablate.hpp"
#include "steer/recipe/edits/add.hpp"
#include "steer/recipe/edits/bound.hpp"
#include "steer/recipe/edits/erase.hpp"
#include "steer/recipe/edits/towards.hpp"
#include "steer/recipe/edits/transform.hpp"
#include "steer/recipe/edits/turn.hpp"
#include "steer/recipe/edits/watch.hpp"
#include "steer/recipe/field.hpp"
#include "steer/recipe/placement.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

/// What an edit has to say of itself.
template <class Edit>
concept edit_operation = std::equality_comparable<Edit> && detail::has_fields<Edit> &&
    requires { { Edit::name } -> std::convertible_to<std::string_view>; };

/// Every edit there is.
using operation = std::variant<add_edit, ablate_edit, bound_edit, erase_edit, angle_edit, rotate_edit, towards_edit,
                               transform_edit, watch_edit>;

/// One operation, and where it acts.
struct edit {
  steer::operation operation = add_edit{};
  placement where = {};
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
    visit("where", self.where);
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
