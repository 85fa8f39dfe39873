// steer/inject/routes.ipp: the bodies of routes.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <utility>
#include <Eigen/Core>

#include "steer/core/require_fit.hpp"
#include "steer/inject/program.hpp"
#include "steer/inject/published.hpp"
#include "steer/inject/routes.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Rows that are sorted by plan at once.
inline constexpr std::ptrdiff_t routed_at_once = 512;

/// A row and what it receives.
template <class Scalar>
struct routed {
  const typename basic_routing_table<Scalar>::entry* to;
  std::ptrdiff_t row;
};

template <class Scalar>
void run_routed(const basic_routing_table<Scalar>& by, site where, const rows<Scalar>& activations, std::ptrdiff_t first,
                std::ptrdiff_t count) noexcept {
  std::array<routed<Scalar>, static_cast<std::size_t>(routed_at_once)> some;
  std::size_t size = 0;
  const typename basic_routing_table<Scalar>::entry* last = nullptr;
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
  std::sort(begin, end, [](const routed<Scalar>& a, const routed<Scalar>& b) {
    return a.to->program != b.to->program ? std::less<>{}(a.to->program.get(), b.to->program.get()) : a.row < b.row;
  });
  for (auto group = begin; group != end;) {
    const auto& compiled = *group->to->program;
    const auto next = std::find_if(group, end, [&](const routed<Scalar>& r) { return r.to->program.get() != &compiled; });
    if (compiled.access_at(where) == steer::access::write && compiled.fits(where, activations)) {
      no_observer nobody;
      compiled.run(
          where, next - group,
          [&](std::ptrdiff_t i) {
            const routed<Scalar>& r = group[i];
            return row_job<Scalar>{activations.data + r.row * activations.stride, &activations.info_of(r.row),
                                           r.to->doses.empty() ? nullptr : r.to->doses.data(), nullptr, 0};
          },
          nobody);
    }
    group = next;
  }
}

}  // namespace detail

template <kernel::row_scalar Scalar>
basic_routes<Scalar>::basic_routes(basic_routing_table<Scalar> first)
    : table_(std::make_unique<detail::published<table>>(std::move(first))) {}

template <kernel::row_scalar Scalar>
basic_routes<Scalar>::~basic_routes() = default;

template <kernel::row_scalar Scalar>
void basic_routes<Scalar>::use(basic_routing_table<Scalar> next) {
  detail::require_same_sites("routes: the next table", next.shape(), copy_of_table().shape());
  table_->replace(std::move(next));
}

template <kernel::row_scalar Scalar>
steer::access basic_routes<Scalar>::access(site where) const noexcept {
  return table_->read([where](const auto& by) { return by.access(where); });
}

template <kernel::row_scalar Scalar>
void basic_routes<Scalar>::require_fit(const model_shape& host) const {
  const table now = copy_of_table();
  steer::require_fit(now, host);
}

template <kernel::row_scalar Scalar>
void basic_routes<Scalar>::operator()(site where, rows<Scalar> activations) const noexcept {
  if (std::ssize(activations.info) < activations.count) {
    return;
  }
  table_->read([&](const auto& by) {
    for (std::ptrdiff_t first = 0; first < activations.count; first += detail::routed_at_once) {
      detail::run_routed(by, where, activations, first, std::min(activations.count - first, detail::routed_at_once));
    }
  });
}

template <kernel::row_scalar Scalar>
basic_routing_table<Scalar> basic_routes<Scalar>::copy_of_table() const {
  return table_->read([](const auto& by) { return by; });
}

#ifdef STEER_COMPILED
template class basic_routes<float>;
template class basic_routes<double>;
template class basic_routes<Eigen::half>;
template class basic_routes<Eigen::bfloat16>;
#endif

}  // namespace v0
}  // namespace steer
