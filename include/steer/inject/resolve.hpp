// steer/inject/resolve.hpp: a recipe meets a model: layers, widths, heads, units and facts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/inject/plan_options.hpp"
#include "steer/inject/term.hpp"

namespace steer {
inline namespace v0 {

namespace detail {

/// From a recipe to what it does at each site of a model. Edits must outlive it.
///
/// It finds the sites first and makes numbers for one of them at a time: a recipe with a dense map for each layer would need the
/// double of what its plan does.
class resolver {
 public:
  /// An edit at a site, or the reading of its latched gate.
  struct act {
    std::size_t edit = 0;  ///< its place in the recipe
    std::ptrdiff_t latch = -1;
    bool sets_latch = false;
  };

  resolver(const model_shape& shape, model_check models) : shape_(shape), models_(models) {}

  /// Takes the next edit of the recipe.
  /// @throws as `basic_plan`, save for what only numbers show
  STEER_API void resolve(const edit& e);

  /// What acts at each site, in order.
  [[nodiscard]] const std::map<site, std::vector<act>>& found() const noexcept { return acts_; }
  [[nodiscard]] std::ptrdiff_t latches() const noexcept { return latches_; }
  /// Of all schedules, each once.
  [[nodiscard]] const std::vector<passage>& passages() const noexcept { return passages_; }

  /// The numbers for a site that was found, to be asked for once.
  /// @throws as `basic_plan`
  STEER_API [[nodiscard]] std::vector<term> terms_at(site here);

 private:
  /// What is the same for an edit wherever it acts.
  struct resolved {
    const edit* source = nullptr;
    std::string who = {};
    columns where = {};
    std::size_t sites_left = 0;
    std::uint64_t passages = 0;  ///< a bit for each of the schedule's
    std::shared_ptr<const form> made = nullptr;  ///< where it is the same everywhere, until the last site is done
  };

  /// @throws argument_error if there are more than a row has bits for
  STEER_API [[nodiscard]] std::uint64_t places_of(const std::vector<passage>& wanted, const std::string& who);

  STEER_API [[nodiscard]] term term_of(const act& what, site here);

  STEER_API [[nodiscard]] std::shared_ptr<const form> form_at(resolved& of, site here) const;

  STEER_API void require_model(const edit& e, const std::string& who) const;

  STEER_API void require_facts(const edit& e, const std::string& who) const;

  /// @throws shape_error or argument_error for layers that a vector or the model lacks
  STEER_API [[nodiscard]] std::vector<int> layers_of(const edit& e, point at, const std::string& who) const;

  STEER_API [[nodiscard]] columns columns_of(const std::optional<int>& head, point at, const std::string& who) const;

  /// The unit directions that a gate reads at a layer, [conditions, width].
  STEER_API [[nodiscard]] matrix<double> asked(const gate& g, int layer, std::ptrdiff_t width, const std::string& who) const;

  STEER_API [[nodiscard]] site latch_site(const edit& e, const std::string& who) const;

  /// @throws shape_error for a part of an edit that is not as wide as the rows
  STEER_API void require_width(Eigen::Index width, const resolved& of, point at) const;

  const model_shape& shape_;
  model_check models_;
  std::vector<resolved> edits_;
  std::map<site, std::vector<act>> acts_;
  std::ptrdiff_t latches_ = 0;
  std::vector<passage> passages_;
};

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/inject/resolve.ipp"
#endif
