// steer/inject/plan.hpp: a recipe compiled for one model shape.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "steer/core/hook.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/inject/step.hpp"
#include "steer/kernel/row.hpp"
#include "steer/recipe/recipe.hpp"

namespace steer {
inline namespace v0 {

struct plan_options {
  model_check models = model_check::same_fingerprint;
};

/// A recipe compiled for one model shape: an immutable hook.
///
/// Edits at one site act in the recipe's order; additions side by side that agree in unit and rows become one. An edit of
/// strength zero is checked and then dropped, so that an empty plan, a plan of zero strengths and no plan at all leave the
/// same bits.
///
/// Calls are `noexcept`, allocate nothing, lock nothing, and may come from any number of threads at once. To change a dose,
/// compile another plan and use that one from the next call on.
///
/// @throws shape_error    a layer, point or width that the model does not have
///         numeric_error  a dose that is not finite in Scalar
///         argument_error a unit without its measurement, a row fact that the host does not supply, another model's vector
/// @cost   compiling: O(edits * layers * d); a call: per row one pass for each step, and one for the norm if a step needs it
template <std::floating_point Scalar = float>
class basic_plan {
 public:
  /// The empty plan: every site is skipped.
  basic_plan() = default;

  basic_plan(const recipe& source, const model_shape& shape, plan_options options = {}) : shape_(shape) {
    std::map<site, std::vector<detail::step>> steps;
    for (const edit& e : source.edits()) {
      detail::resolve(e, shape, options.models, [&](site where, detail::step&& next) {
        if (next.does_nothing()) {
          return;
        }
        auto& here = steps[where];
        if (!here.empty() && here.back().folds_with(next)) {
          here.back().vector += next.vector;
        } else {
          here.push_back(std::move(next));
        }
      });
    }
    sites_.resize(static_cast<std::size_t>(std::max(shape.layers, 0)) * point_count);
    for (auto& [where, here] : steps) {
      std::erase_if(here, [](const detail::step& s) { return s.does_nothing(); });  // doses that cancelled
      compile(where, here);
    }
  }

  /// The shape that the plan was compiled for.
  [[nodiscard]] const model_shape& shape() const noexcept { return shape_; }

  /// Whether every site is skipped.
  [[nodiscard]] bool empty() const noexcept { return steps_.empty(); }

  /// If all that happens at a site is that one constant row is added to every row of every sequence: that row.
  /// @shape returns [width of the site], or [0] where something else happens or nothing
  [[nodiscard]] std::span<const Scalar> constant_addition(site where) const noexcept {
    const site_steps here = at(where);
    if (here.count != 1 || steps_[here.first].kind != detail::step_kind::add || !steps_[here.first].rows.everything()) {
      return {};
    }
    return {numbers_.data() + steps_[here.first].start, static_cast<std::size_t>(steps_[here.first].width)};
  }

  [[nodiscard]] steer::access access(site where) const noexcept {
    return at(where).count == 0 ? steer::access::none : steer::access::write;
  }

  /// @shape activations [T, width of the site]
  void operator()(site where, rows<Scalar> activations) const noexcept {
    const site_steps here = at(where);
    for (std::ptrdiff_t i = 0; i < activations.count; ++i) {
      const std::span<Scalar> h = activations[i];
      const Scalar entry_norm = here.needs_norm ? kernel::norm<Scalar>(h) : Scalar{0};
      for (std::size_t s = here.first; s < here.first + here.count; ++s) {
        assert(steps_[s].width == activations.width);
        assert(steps_[s].rows.everything() || std::ssize(activations.info) >= activations.count);
        if (steps_[s].rows.everything() || steps_[s].rows.contains(activations.info_of(i))) {
          apply(steps_[s], h, entry_norm);
        }
      }
    }
  }

  /// What the plan does, a line per site.
  [[nodiscard]] std::string explain() const {
    std::string out;
    for (std::size_t slot = 0; slot < sites_.size(); ++slot) {
      const site_steps here = sites_[slot];
      if (here.count == 0) {
        continue;
      }
      const site where{static_cast<int>(slot / point_count), static_cast<point>(slot % point_count)};
      out += detail::text(to_string(where), ":");
      for (std::size_t s = here.first; s < here.first + here.count; ++s) {
        const step& next = steps_[s];
        out += s == here.first ? " " : ", ";
        out += next.kind == detail::step_kind::scale ? detail::text("scale by ", next.factor)
               : next.kind == detail::step_kind::add ? "add"
                                                     : detail::text("add of row norm up to ", next.limit);
        out += next.rows.everything() ? "" : " (some rows)";
      }
      out += "\n";
    }
    return out.empty() ? "nothing\n" : out;
  }

 private:
  struct step {
    detail::step_kind kind;
    row_selection rows;
    std::ptrdiff_t start;  // of the vector in numbers_
    std::ptrdiff_t width;
    Scalar factor;
    Scalar limit;
  };
  struct site_steps {
    std::size_t first = 0;
    std::size_t count = 0;
    bool needs_norm = false;
  };

  [[nodiscard]] site_steps at(site where) const noexcept {
    const auto point = static_cast<std::size_t>(where.point);
    const auto slot = static_cast<std::size_t>(where.layer) * point_count + point;  // a negative layer's is huge
    return point < point_count && slot < sites_.size() ? sites_[slot] : site_steps{};
  }

  void compile(site where, const std::vector<detail::step>& here) {
    site_steps& entry = sites_[static_cast<std::size_t>(where.layer) * point_count + static_cast<std::size_t>(where.point)];
    entry.first = steps_.size();
    for (const detail::step& next : here) {
      const auto numbers = next.vector.cast<Scalar>().eval();
      if (!numbers.allFinite()) {
        throw numeric_error(detail::text("plan: a dose at ", to_string(where), " is not finite"));
      }
      if (numbers.isZero(Scalar{0})) {
        continue;  // a dose below what Scalar can hold
      }
      ++entry.count;
      entry.needs_norm |= next.kind == detail::step_kind::add_of_row_norm;
      steps_.push_back({next.kind, next.rows, static_cast<std::ptrdiff_t>(numbers_.size()), numbers.size(),
                        static_cast<Scalar>(next.factor), static_cast<Scalar>(next.limit)});
      numbers_.insert(numbers_.end(), numbers.begin(), numbers.end());
    }
  }

  void apply(const step& next, std::span<Scalar> h, Scalar entry_norm) const noexcept {
    const std::span<const Scalar> v(numbers_.data() + next.start, h.size());
    switch (next.kind) {
      case detail::step_kind::add: kernel::add(h, v); break;
      case detail::step_kind::add_of_row_norm: kernel::add(h, std::min(entry_norm, next.limit), v); break;
      case detail::step_kind::scale: kernel::add(h, -next.factor * kernel::dot<Scalar>(v, h), v); break;
    }
  }

  model_shape shape_;
  std::vector<site_steps> sites_;  // [layers * point_count]
  std::vector<step> steps_;        // those of one site side by side, in order
  std::vector<Scalar> numbers_;    // the steps' vectors, one after the other
};

using plan = basic_plan<float>;
static_assert(hook<const plan, float> && hook<const basic_plan<double>, double>);

}  // namespace v0
}  // namespace steer
