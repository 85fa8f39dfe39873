// steer/inject/routing_table.hpp: which plan, and which doses, the rows of each sequence receive.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "steer/core/hook.hpp"
#include "steer/inject/plan.hpp"

namespace steer {
inline namespace v0 {

namespace detail {

/// @throws shape_error if two models, where both are known, show rows of different widths; `who` names what is for the first
inline void require_same_sites(const std::string& who, const model_shape& one, const model_shape& other) {
  if (one.layers == 0 || other.layers == 0) {
    return;
  }
  const auto sizes = [](const model_shape& shape) {
    return text({shape.layers, " layers of width ", shape.width,
                 shape.points.contains(point::attention_heads)
                     ? text({" and ", shape.heads, " heads of width ", shape.head_width})
                     : std::string()});
  };
  if (sizes(one) != sizes(other)) {
    throw shape_error(text({thing(who), ": was compiled for model \"", one.name, "\" with ", actual(sizes(one)),
                            "; the others for \"", other.name, "\" with ", expected(sizes(other))}));
  }
}

}  // namespace detail

/// From sequences to plans and doses. A dose is the share of one edit that a row receives: 0 none, 1 as compiled.
///
///     steer::routing_table table;
///     table.route(3, plan, {0.5F, 0.0F}).route(4, plan, {1.0F, 1.0F}).otherwise(another);
///
/// Plans are shared, not copied. Doses need a plan compiled with `dosing::per_route`; to change them is to fill in another
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
                             const std::vector<float>& doses = {}) {
    entry made = make(sequence, steered_by, doses);
    const auto found = place_of(entries_, sequence);
    if (found != entries_.end() && found->sequence == sequence) {
      *found = std::move(made);
    } else {
      entries_.insert(found, std::move(made));
    }
    return *this;
  }

  /// The rows of all other sequences follow a plan. Without this they are left alone.
  basic_routing_table& otherwise(const basic_plan<Scalar>& steered_by, const std::vector<float>& doses = {}) {
    otherwise_ = make(0, steered_by, doses);
    return *this;
  }

  /// What the rows of a sequence receive; null: nothing.
  [[nodiscard]] const entry* find(std::int32_t sequence) const noexcept {
    const auto found = place_of(entries_, sequence);
    const entry* const hit = found != entries_.end() && found->sequence == sequence ? &*found
                             : otherwise_                                           ? &*otherwise_
                                                                                    : nullptr;
    return hit == nullptr || hit->program == nullptr ? nullptr : hit;
  }
  /// The shape that the plans were compiled for; an empty one where there is none.
  [[nodiscard]] const model_shape& shape() const noexcept {
    const auto found = std::find_if(entries_.begin(), entries_.end(), [](const entry& e) { return e.program != nullptr; });
    return detail::shape_of(found != entries_.end() ? found->program.get()
                            : otherwise_            ? otherwise_->program.get()
                                                    : nullptr);
  }
  [[nodiscard]] steer::access access(site where) const noexcept {
    const auto writes = [where](const entry& e) {
      return e.program != nullptr && e.program->access_at(where) == steer::access::write;
    };
    return std::any_of(entries_.begin(), entries_.end(), writes) || (otherwise_ && writes(*otherwise_))
               ? steer::access::write
               : steer::access::none;
  }

 private:
  /// Where the entry of a sequence stands, or would.
  template <class Entries>
  static auto place_of(Entries& entries, std::int32_t sequence) noexcept {
    return std::lower_bound(entries.begin(), entries.end(), sequence,
                            [](const entry& e, std::int32_t s) { return e.sequence < s; });
  }

  entry make(std::int32_t sequence, const basic_plan<Scalar>& steered_by, const std::vector<float>& doses) {
    const auto& compiled = steered_by.compiled();
    entry out{sequence};
    if (compiled == nullptr) {
      return out;
    }
    const std::string who = detail::text({"routing table: sequence ", sequence});
    detail::require_same_sites(who, compiled->shape(), shape());
    compiled->shape().require(row_fact::sequence, who);
    const std::size_t edits = compiled->source().edits().size();
    const bool dosed = compiled->options().doses == dosing::per_route;
    if (!doses.empty() && !dosed) {
      throw argument_error(detail::text({who, ": has doses, and its plan's are compiled in; expected ",
                                         detail::expected("a plan with dosing::per_route")}));
    }
    if (!doses.empty() && doses.size() != edits) {
      throw argument_error(detail::text(
          {who, ": has ", detail::actual(doses.size()), " doses; its plan has ", detail::expected(edits), " edits"}));
    }
    for (const float dose : doses) {
      if (!std::isfinite(dose)) {
        throw numeric_error(detail::text(
            {who, ": a dose is ", detail::actual(dose), "; expected ", detail::expected("a finite number")}));
      }
    }
    if (doses.empty() || std::any_of(doses.begin(), doses.end(), [](float dose) { return dose != 0.0F; })) {
      out.program = compiled;
      out.doses = doses;
    }
    return out;
  }

  std::vector<entry> entries_;  // by sequence
  std::optional<entry> otherwise_;
};

using routing_table = basic_routing_table<float>;

}  // namespace v0
}  // namespace steer
