// steer/inject/plan_options.hpp: how a recipe is compiled.
#pragma once

#include <cstdint>

namespace steer {
inline namespace v0 {

/// Whether a plan accepts vectors that were measured on another model than the one it is compiled for.
enum class model_check : std::uint8_t {
  same_fingerprint,  ///< refuse a vector whose fingerprint is known and differs from the host's
  any,               ///< widths and layers must fit, no more: for a model and its fine-tuned siblings
};

/// Who says how much of each edit is written.
enum class doses_from : std::uint8_t {
  recipe,  ///< once and for all: edits are merged and additions become one
  routes,  ///< for each row, as a multiple of every edit, see `basic_routes`
};

struct plan_options {
  model_check models = model_check::same_fingerprint;
  doses_from doses = doses_from::recipe;
};

}  // namespace v0
}  // namespace steer
