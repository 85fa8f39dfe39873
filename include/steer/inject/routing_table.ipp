// steer/inject/routing_table.ipp: the bodies of routing_table.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/inject/program.hpp"
#include "steer/inject/routing_table.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY void require_same_sites(const std::string& who, const model_shape& one, const model_shape& other) {
  if (one.layers == 0 || other.layers == 0) {
    return;
  }
  const auto sizes = [](const model_shape& shape) {
    return text({shape.layers, " layers of width ", shape.width, shape.streams > 1 ? text({" in ", shape.streams, " streams"}) : std::string(),
                 shape.points.contains(point::attention_heads)
                     ? text({" and ", shape.heads, " heads of width ", shape.head_width})
                     : std::string()});
  };
  if (sizes(one) != sizes(other)) {
    throw shape_error(text({thing(who), ": was compiled for model \"", one.name, "\" with ", actual(sizes(one)),
                            "; the others for \"", other.name, "\" with ", expected(sizes(other))}));
  }
}

/// Where the entry of a sequence stands, or would.
template <class Entries>
auto place_of(Entries& entries, std::int32_t sequence) noexcept {
  return std::lower_bound(entries.begin(), entries.end(), sequence,
                          [](const auto& e, std::int32_t s) { return e.sequence < s; });
}

}  // namespace detail

template <kernel::row_scalar Scalar>
basic_routing_table<Scalar>& basic_routing_table<Scalar>::route(std::int32_t sequence, const basic_plan<Scalar>& steered_by,
                           const std::vector<float>& doses) {
  entry made = make(sequence, steered_by, doses);
  const auto found = detail::place_of(entries_, sequence);
  if (found != entries_.end() && found->sequence == sequence) {
    *found = std::move(made);
  } else {
    entries_.insert(found, std::move(made));
  }
  return *this;
}

template <kernel::row_scalar Scalar>
basic_routing_table<Scalar>& basic_routing_table<Scalar>::otherwise(const basic_plan<Scalar>& steered_by, const std::vector<float>& doses) {
  otherwise_ = make(0, steered_by, doses);
  return *this;
}

template <kernel::row_scalar Scalar>
const typename basic_routing_table<Scalar>::entry* basic_routing_table<Scalar>::find(std::int32_t sequence) const noexcept {
  const auto found = detail::place_of(entries_, sequence);
  const entry* const hit = found != entries_.end() && found->sequence == sequence ? &*found
                           : otherwise_                                           ? &*otherwise_
                                                                                  : nullptr;
  return hit == nullptr || hit->program == nullptr ? nullptr : hit;
}

template <kernel::row_scalar Scalar>
const model_shape& basic_routing_table<Scalar>::shape() const noexcept {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [](const entry& e) { return e.program != nullptr; });
  return detail::shape_of(found != entries_.end() ? found->program.get()
                          : otherwise_            ? otherwise_->program.get()
                                                  : nullptr);
}

template <kernel::row_scalar Scalar>
steer::access basic_routing_table<Scalar>::access(site where) const noexcept {
  const auto writes = [where](const entry& e) {
    return e.program != nullptr && e.program->access_at(where) == steer::access::write;
  };
  return std::any_of(entries_.begin(), entries_.end(), writes) || (otherwise_ && writes(*otherwise_))
             ? steer::access::write
             : steer::access::none;
}

template <kernel::row_scalar Scalar>
typename basic_routing_table<Scalar>::entry basic_routing_table<Scalar>::make(std::int32_t sequence, const basic_plan<Scalar>& steered_by, const std::vector<float>& doses) {
  const auto& compiled = steered_by.compiled();
  entry out{sequence};
  if (compiled == nullptr) {
    return out;
  }
  const std::string who = text({"routing table: sequence ", sequence});
  detail::require_same_sites(who, compiled->shape(), shape());
  compiled->shape().require(row_fact::sequence, who);
  const std::size_t edits = compiled->source().edits().size();
  const bool by_route = compiled->options().doses == doses_from::routes;
  if (!doses.empty() && !by_route) {
    throw argument_error(text(
        {who, ": has doses, and its plan's are compiled in; expected ", expected("a plan with doses_from::routes")}));
  }
  if (!doses.empty() && doses.size() != edits) {
    throw argument_error(
        text({who, ": has ", actual(doses.size()), " doses; its plan has ", expected(edits), " edits"}));
  }
  for (const float dose : doses) {
    if (!std::isfinite(dose)) {
      throw numeric_error(text({who, ": a dose is ", actual(dose), "; expected ", expected("a finite number")}));
    }
  }
  if (doses.empty() || std::any_of(doses.begin(), doses.end(), [](float dose) { return dose != 0.0F; })) {
    out.program = compiled;
    out.doses = doses;
  }
  return out;
}

#ifdef STEER_COMPILED
template class basic_routing_table<float>;
template class basic_routing_table<double>;
template class basic_routing_table<Eigen::half>;
template class basic_routing_table<Eigen::bfloat16>;
#endif

}  // namespace v0
}  // namespace steer
