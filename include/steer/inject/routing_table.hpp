// steer/inject/routing_table.hpp: which plan, and which doses, the rows of each sequence receive.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "steer/core/hook.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/inject/plan.hpp"

namespace steer {
inline namespace v0 {

namespace detail {

/// @throws shape_error if two models, where both are known, show rows of different widths; `who` names what is for the first
STEER_API void require_same_sites(const std::string& who, const model_shape& one, const model_shape& other);

}  // namespace detail

/// From sequences to plans and doses. A dose is the share of one edit that a row receives: 0 none, 1 as compiled.
///
///     steer::routing_table table;
///     table.route(3, plan, {0.5F, 0.0F}).route(4, plan, {1.0F, 1.0F}).otherwise(another);
///
/// Plans are shared, not copied. Doses need a plan compiled with `doses_from::routes`; to change them is to fill in another
/// table, which compiles nothing.
/// @throws argument_error for doses that do not fit the plan, or a plan whose host does not tell sequences apart;
///         shape_error for a plan that was compiled for a model of another shape than the others;
///         numeric_error for a dose that is not finite
template <kernel::row_scalar Scalar = float>
class basic_routing_table {
 public:
  /// What a row receives.
  struct entry {
    std::int32_t sequence = 0;
    std::shared_ptr<const detail::program<Scalar>> program = nullptr;  ///< null: nothing
    std::vector<float> doses = {};                                     ///< one for each edit; empty: the plan's own
  };

  /// The rows of a sequence follow a plan; an earlier route of that sequence is replaced.
  /// @param doses  one for each edit of the plan's recipe; empty: all 1
  basic_routing_table& route(std::int32_t sequence, const basic_plan<Scalar>& steered_by,
                             const std::vector<float>& doses = {});

  /// The rows of all other sequences follow a plan. Without this they are left alone.
  basic_routing_table& otherwise(const basic_plan<Scalar>& steered_by, const std::vector<float>& doses = {});

  /// What the rows of a sequence receive; null: nothing.
  [[nodiscard]] const entry* find(std::int32_t sequence) const noexcept;
  /// The shape that the plans were compiled for; an empty one where there is none.
  [[nodiscard]] const model_shape& shape() const noexcept;
  [[nodiscard]] steer::access access(site where) const noexcept;

 private:
  entry make(std::int32_t sequence, const basic_plan<Scalar>& steered_by, const std::vector<float>& doses);

  std::vector<entry> entries_;  // by sequence
  std::optional<entry> otherwise_;
};

using routing_table = basic_routing_table<float>;

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/inject/routing_table.ipp"
#endif
