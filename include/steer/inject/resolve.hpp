// steer/inject/resolve.hpp: a recipe meets a model: layers, widths, heads, units and facts.
#pragma once

#include <cstddef>
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

/// From a recipe to what it does at each site of a model.
class resolver {
 public:
  resolver(const model_shape& shape, model_check models) : shape_(shape), models_(models) {}

  /// @throws as `basic_plan`
  STEER_API void resolve(const edit& e, std::size_t place);

  [[nodiscard]] const terms& found() const noexcept { return terms_; }
  [[nodiscard]] std::ptrdiff_t latches() const noexcept { return latches_; }

 private:
  STEER_API static term base(const edit& e, std::size_t place, const std::string& who);

  STEER_API void require_model(const edit& e, const std::string& who) const;

  STEER_API void require_facts(const edit& e, const std::string& who) const;

  /// @throws shape_error or argument_error for layers that a vector or the model lacks
  STEER_API [[nodiscard]] std::vector<int> layers_of(const edit& e, point at, const std::string& who) const;

  STEER_API [[nodiscard]] columns columns_of(const std::optional<int>& head, point at, const std::string& who) const;

  /// The unit directions that a gate reads at a layer, [conditions, width].
  STEER_API [[nodiscard]] matrix<double> asked(const gate& g, int layer, std::ptrdiff_t width, const std::string& who) const;

  STEER_API [[nodiscard]] site latch_site(const edit& e, const std::string& who) const;

  STEER_API void set_latch(const edit& e, std::size_t place, site here, std::ptrdiff_t latch, const std::string& who);

  const model_shape& shape_;
  model_check models_;
  terms terms_;
  std::ptrdiff_t latches_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/inject/resolve.ipp"
#endif
