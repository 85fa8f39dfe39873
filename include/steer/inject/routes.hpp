// steer/inject/routes.hpp: the rows of one batch follow different plans and doses, by sequence.
#pragma once

#include <memory>

#include "steer/core/hook.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/inject/routing_table.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

template <class Value>
class published;

}  // namespace detail

/// A routing table as a hook.
///
/// Rows of the same plan are read and written together, whatever their doses, so that the cost grows with the rows steered
/// and the distinct directions, not with the number of routes. `use` puts another table in place between two calls, from
/// any thread: a call sees one table from its first row to its last. Calls are `noexcept`, allocate nothing, lock nothing,
/// and may come from any number of threads. To keep one forward pass to one table, call `use` between passes.
///
/// Plans only: gates that latch on the prompt need a `session`, which all its sequences share one recipe of.
///
/// @cost  that of the plans; per row a search among the routes; per call two atomic additions
template <kernel::row_scalar Scalar = float>
class basic_routes {
 public:
  explicit basic_routes(basic_routing_table<Scalar> first = {});
  ~basic_routes();

  basic_routes(const basic_routes&) = delete;
  basic_routes& operator=(const basic_routes&) = delete;

  /// Calls that begin after this follow the new table. The old one is freed, here or by a later `use`, when no call reads it.
  /// @throws shape_error if both tables have plans, and these are for models of different shapes
  void use(basic_routing_table<Scalar> next);

  [[nodiscard]] steer::access access(site where) const noexcept;

  /// Asks the table in place, see steer::require_fit; `use` takes no table for another model afterwards.
  void require_fit(const model_shape& host) const;

  /// Rows of another width, or that nobody says the sequences of, are left alone.
  /// @shape activations [T, width of the site]
  void operator()(site where, rows<Scalar> activations) const noexcept;

 private:
  using table = basic_routing_table<Scalar>;

  [[nodiscard]] table copy_of_table() const;

  std::unique_ptr<detail::published<table>> table_;
};

using routes = basic_routes<float>;
static_assert(hook<const routes, float> && hook<const basic_routes<double>, double>);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/inject/routes.ipp"
#endif
