// steer/guard/admit.hpp: a stack of recipes meets a policy, before a plan of it exists.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/guard/dosed_recipe.hpp"
#include "steer/guard/policy.hpp"
#include "steer/guard/project_out.hpp"
#include "steer/recipe/documented_recipe.hpp"
#include "steer/recipe/preset.hpp"
#include "steer/recipe/recipe.hpp"

namespace steer {
inline namespace v0 {

/// What a policy asks.
enum class policy_rule : std::uint8_t {
  sound,            ///< every number finite, every part with a meaning, used or not
  fits_model,       ///< what a plan of that model would refuse
  fingerprint,
  operations,
  points,
  layers,
  row_norm,         ///< that it is known where it is needed
  layer_dose,
  total_dose,
  protected_share,
  protected_dose,
  readout,
  signature,        ///< asked of files
  version,          ///< asked of presets
  dose,             ///< asked of requests
  base,             ///< asked of requests
};
constexpr std::string_view to_string(policy_rule value) noexcept {
  switch (value) {
    case policy_rule::sound: return "sound";
    case policy_rule::fits_model: return "fits_model";
    case policy_rule::fingerprint: return "fingerprint";
    case policy_rule::operations: return "operations";
    case policy_rule::points: return "points";
    case policy_rule::layers: return "layers";
    case policy_rule::row_norm: return "row_norm";
    case policy_rule::layer_dose: return "layer_dose";
    case policy_rule::total_dose: return "total_dose";
    case policy_rule::protected_share: return "protected_share";
    case policy_rule::protected_dose: return "protected_dose";
    case policy_rule::readout: return "readout";
    case policy_rule::signature: return "signature";
    case policy_rule::version: return "version";
    case policy_rule::dose: return "dose";
    case policy_rule::base: break;
  }
  return "base";
}

/// Something that a policy does not allow.
struct violation {
  policy_rule rule = policy_rule::sound;
  std::string message = {};                      ///< names the thing, the number, the limit and the layer
  std::optional<int> layer = std::nullopt;       ///< zero-based
  std::optional<double> actual = std::nullopt;   ///< infinity for what has no limit
  std::optional<double> limit = std::nullopt;
};

/// A policy says no. The message is that of every violation, one after the other.
struct policy_error : error {
  /// @param who  what was refused
  policy_error(const std::string& who, std::vector<violation> found);

  [[nodiscard]] const std::vector<violation>& violations() const noexcept { return *violations_; }

 private:
  std::shared_ptr<const std::vector<violation>> violations_;  // shared, so that to copy an exception cannot throw
};

/// What a policy makes of a stack.
struct admission {
  steer::recipe recipe = {};              ///< in the order of the stack, doses in the gates' shares, projected where the policy says so
  std::vector<steer::taken_out> taken_out = {};
  /// How far the stack may move a row at each layer, in mean row norms, all its edits together: where the policy limits that.
  std::map<int, double> layer_doses = {};
  std::vector<violation> violations = {};  ///< none: a plan may be made of the recipe

  [[nodiscard]] bool granted() const noexcept { return violations.empty(); }
};

/// Holds a stack against a policy, as it would act together. Everything counts at its worst:
///
/// - a gate as open, a ramp at its cap; what gates may leave out of a stack, so that the rest no longer cancels, in every combination;
///   a schedule as if it might, too;
/// - what depends on the row, for rows of mean norm in any direction: an ablation moves by all of the row, and wholly along what it
///   removes; of a dense map, the root of its squares;
/// - against a protected subspace of the residual stream, all that is written to the stream at that layer; and, with most_dose, all
///   that was up to there.
///
/// Soundness, fingerprints, operations, points and layers are asked first, and if one says no, nothing else is computed.
/// @return every violation that was found, and the recipe to compile if there is none
/// @throws as `check` of the policy, and as `stacked`: what a recipe says is never thrown
/// @cost   O(m² d) a layer for m directions written; with protected subspaces of k dimensions O(k m d) more
STEER_API admission examine(const policy& rules, std::span<const dosed_recipe> stack, const model_shape& shape);
STEER_API admission examine(const policy& rules, const documented_recipe& alone, const model_shape& shape);

/// The recipe to compile, with `model_check::any`: which models are accepted, the policy has said.
/// @throws policy_error; as `examine`
STEER_API recipe admit(const policy& rules, const documented_recipe& alone, const model_shape& shape);

/// What a policy says to the version of a preset, whatever is in it; nothing if it is new enough.
STEER_API std::optional<violation> age_of(const policy& rules, const preset& p);

/// @throws policy_error if the admission was not granted; `who` names what asked for it
STEER_API void require_granted(const admission& given, const std::string& who);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/guard/admit.ipp"
#endif
