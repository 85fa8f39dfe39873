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

/// From sequences to plans and doses. A dose is the share of one edit that a row receives: 0 none, 1 as compiled.
///
///     steer::routing_table table;
///     table.route(3, plan, {0.5F, 0.0F}).route(4, plan, {1.0F, 1.0F}).otherwise(another);
///
/// Plans are shared, not copied. Doses need a plan compiled with `dosing::per_route`; to change them is to fill in another
/// table, which compiles nothing.
/// @throws argument_error for doses that do not fit the plan, or a plan whose host does not tell sequences apart;
///         numeric_error for a dose that is not finite
template <kernel::row_scalar Scalar = float>
class basic_routing_table {
 public:
  using program = detail::program<Scalar>;

  /// What a row receives.
  struct entry {
    std::int32_t sequence = 0;
    std::size_t program = 0;       ///< among `programs`
    std::ptrdiff_t first_dose = -1;  ///< of one for each edit; -1: the plan's own
    bool nothing = false;
  };

  /// The rows of a sequence follow a plan; an earlier route of that sequence is replaced.
  /// @param doses  one for each edit of the plan's recipe; empty: all 1
  basic_routing_table& route(std::int32_t sequence, const basic_plan<Scalar>& steered_by, const std::vector<float>& doses = {}) {
    const entry made = make(sequence, steered_by, doses);
    const auto found = std::lower_bound(entries_.begin(), entries_.end(), sequence,
                                        [](const entry& e, std::int32_t s) { return e.sequence < s; });
    if (found != entries_.end() && found->sequence == sequence) {
      *found = made;
    } else {
      entries_.insert(found, made);
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
    const auto found = std::lower_bound(entries_.begin(), entries_.end(), sequence,
                                        [](const entry& e, std::int32_t s) { return e.sequence < s; });
    const entry* const hit = found != entries_.end() && found->sequence == sequence ? &*found
                             : otherwise_                                           ? &*otherwise_
                                                                                    : nullptr;
    return hit == nullptr || hit->nothing ? nullptr : hit;
  }
  [[nodiscard]] const program& program_of(const entry& e) const noexcept { return *programs_[e.program]; }
  [[nodiscard]] const float* doses_of(const entry& e) const noexcept {
    return e.first_dose < 0 ? nullptr : doses_.data() + e.first_dose;
  }
  [[nodiscard]] steer::access access(site where) const noexcept {
    return std::any_of(programs_.begin(), programs_.end(),
                       [where](const auto& p) { return p->access_at(where) == steer::access::write; })
               ? steer::access::write
               : steer::access::none;
  }

 private:
  entry make(std::int32_t sequence, const basic_plan<Scalar>& steered_by, const std::vector<float>& doses) {
    const auto& compiled = steered_by.compiled();
    entry out{sequence};
    if (compiled == nullptr) {
      out.nothing = true;
      return out;
    }
    const std::string who = detail::text("routing table: sequence ", sequence);
    if (!compiled->facts().contains(row_fact::sequence)) {
      throw argument_error(detail::text(who, ": needs each row's sequence, which the plan's host does not supply"));
    }
    const std::size_t edits = compiled->source().edits().size();
    const bool dosed = compiled->options().doses == dosing::per_route;
    if (!doses.empty() && !dosed) {
      throw argument_error(detail::text(who, ": has doses, and its plan's are compiled in; expected a plan with "
                                             "dosing::per_route"));
    }
    if (!doses.empty() && doses.size() != edits) {
      throw argument_error(detail::text(who, ": has ", doses.size(), " doses; its plan has ", edits, " edits"));
    }
    for (const float dose : doses) {
      if (!std::isfinite(dose)) {
        throw numeric_error(detail::text(who, ": a dose is ", dose, "; expected a finite number"));
      }
    }
    out.nothing = !doses.empty() && std::all_of(doses.begin(), doses.end(), [](float dose) { return dose == 0.0F; });
    const auto known = std::find(programs_.begin(), programs_.end(), compiled);
    out.program = static_cast<std::size_t>(known - programs_.begin());
    if (known == programs_.end()) {
      programs_.push_back(compiled);
    }
    if (dosed) {
      out.first_dose = std::ssize(doses_);
      doses_.insert(doses_.end(), doses.begin(), doses.end());
      doses_.resize(static_cast<std::size_t>(out.first_dose) + edits, 1.0F);
    }
    return out;
  }

  std::vector<entry> entries_;  // by sequence
  std::optional<entry> otherwise_;
  std::vector<std::shared_ptr<const program>> programs_;
  std::vector<float> doses_;
};

using routing_table = basic_routing_table<float>;

}  // namespace v0
}  // namespace steer
