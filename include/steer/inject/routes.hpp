// steer/inject/routes.hpp: the rows of one batch follow different plans and doses, by sequence.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <utility>

#include "steer/core/hook.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/core/require_fit.hpp"
#include "steer/inject/published.hpp"
#include "steer/inject/routing_table.hpp"

namespace steer {
inline namespace v0 {

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
  explicit basic_routes(basic_routing_table<Scalar> first = {}) : table_(std::move(first)) {}

  /// Calls that begin after this follow the new table. The old one is freed, here or by a later `use`, when no call reads it.
  /// @throws shape_error if both tables have plans, and these are for models of different shapes
  void use(basic_routing_table<Scalar> next) {
    detail::require_same_sites("routes: the next table", next.shape(), copy_of_table().shape());
    table_.replace(std::move(next));
  }

  [[nodiscard]] steer::access access(site where) const noexcept {
    return table_.read([where](const auto& by) { return by.access(where); });
  }

  /// Asks the table in place, see steer::require_fit; `use` takes no table for another model afterwards.
  void require_fit(const model_shape& host) const {
    const table now = copy_of_table();
    steer::require_fit(now, host);
  }

  /// Rows of another width, or that nobody says the sequences of, are left alone.
  /// @shape activations [T, width of the site]
  void operator()(site where, rows<Scalar> activations) const noexcept {
    if (std::ssize(activations.info) < activations.count) {
      return;
    }
    table_.read([&](const auto& by) {
      for (std::ptrdiff_t first = 0; first < activations.count; first += chunk) {
        run(by, where, activations, first, std::min(activations.count - first, chunk));
      }
    });
  }

 private:
  using table = basic_routing_table<Scalar>;
  static constexpr std::ptrdiff_t chunk = 512;  // rows that are sorted by plan at once

  [[nodiscard]] table copy_of_table() const {
    return table_.read([](const auto& by) { return by; });
  }

  /// A row and what it receives.
  struct routed {
    const typename table::entry* to;
    std::ptrdiff_t row;
  };

  static void run(const table& by, site where, const rows<Scalar>& activations, std::ptrdiff_t first,
                  std::ptrdiff_t count) noexcept {
    std::array<routed, static_cast<std::size_t>(chunk)> some;
    std::size_t size = 0;
    const typename table::entry* last = nullptr;
    std::int32_t last_sequence = -1;
    for (std::ptrdiff_t row = first; row < first + count; ++row) {
      const std::int32_t sequence = activations.info_of(row).sequence;
      if (row == first || sequence != last_sequence) {
        last = by.find(sequence);
        last_sequence = sequence;
      }
      if (last != nullptr) {
        some[size++] = {last, row};
      }
    }
    const auto begin = some.begin();
    const auto end = some.begin() + static_cast<std::ptrdiff_t>(size);
    std::sort(begin, end, [](const routed& a, const routed& b) {
      return a.to->program != b.to->program ? std::less<>{}(a.to->program.get(), b.to->program.get()) : a.row < b.row;
    });
    for (auto group = begin; group != end;) {
      const auto& compiled = *group->to->program;
      const auto next = std::find_if(group, end, [&](const routed& r) { return r.to->program.get() != &compiled; });
      if (compiled.access_at(where) == steer::access::write && compiled.fits(where, activations)) {
        detail::no_observer nobody;
        compiled.run(
            where, next - group,
            [&](std::ptrdiff_t i) {
              const routed& r = group[i];
              return detail::row_job<Scalar>{activations.data + r.row * activations.stride, &activations.info_of(r.row),
                                             r.to->doses.empty() ? nullptr : r.to->doses.data(), nullptr};
            },
            nobody);
      }
      group = next;
    }
  }

  detail::published<table> table_;
};

using routes = basic_routes<float>;
static_assert(hook<const routes, float> && hook<const basic_routes<double>, double>);

}  // namespace v0
}  // namespace steer
