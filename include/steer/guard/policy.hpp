// steer/guard/policy.hpp: what must hold before a plan exists, as plain data.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/site.hpp"

namespace steer {
inline namespace v0 {

/// What is done about an edit that writes into a protected subspace.
enum class protection : std::uint8_t {
  refuse,       ///< beyond the limits the recipe is refused
  project_out,  ///< what an edit would write into the subspace is taken out of it first, and said
};
constexpr protection last_of(protection) noexcept { return protection::project_out; }
constexpr std::string_view to_string(protection value) noexcept {
  switch (value) {
    case protection::refuse: return "refuse";
    case protection::project_out: break;
  }
  return "project_out";
}

/// Dimensions of the activations that steering must leave alone: those of refusal, say.
///
/// One of the residual stream is held against whatever reaches it at that layer, at whichever of `residual_in`, `attention_out`, `mlp_out`
/// and `residual_out` it is written, there or at an earlier layer, to first order: as if the blocks between passed it on unchanged.
struct protected_subspace {
  std::string name = {};
  steer::point point = steer::point::residual_out;  ///< or `attention_heads`, which has a space of its own
  std::map<int, matrix<double>> bases = {};         ///< by layer; orthonormal rows [k, d]
  /// The largest share, by length, of what an edit or the stack writes that may lie in the subspace: 0 none, 1 all.
  double most_share = 0.2;
  /// The most that the edits up to a layer may together write into it, whatever gates do, in mean row norms there.
  double most_dose = 0.1;
  protection how = protection::refuse;
};

/// Where a policy limits doses it has to know how long rows are: files may say anything.
using row_norms = std::map<site, double>;

/// What must hold of a stack of recipes before a plan of it exists. What is empty (nullopt) allows everything; an empty list allows nothing.
struct policy {
  std::string name = {};  ///< for messages
  /// The model's own fingerprint and those of siblings that are accepted as well, another quantisation, say; compared whole.
  std::optional<std::set<std::string>> fingerprints = std::nullopt;
  std::optional<std::set<std::string>> operations = std::nullopt;  ///< "add", "ablate", ...: names of operations
  std::optional<std::set<steer::point>> points = std::nullopt;
  std::optional<std::set<int>> layers = std::nullopt;
  steer::row_norms row_norms = {};  ///< the mean |h| at each site, as measured on the model
  /// How far the stack may move a row of mean norm at one layer, in such norms, all its edits together.
  std::optional<double> most_layer_dose = std::nullopt;
  std::optional<double> most_total_dose = std::nullopt;  ///< the sum over layers
  /// By readout, in nats: how far the stack may move it either way, two standard errors included, by the recipes' measured responses.
  std::map<std::string, double> readouts = {};
  std::vector<protected_subspace> protects = {};
  /// Public keys as minisign writes them; files must be signed by one of them.
  std::optional<std::set<std::string>> trusted_keys = std::nullopt;
  std::map<std::string, int> least_versions = {};  ///< by preset: older ones are refused, however well signed
  double least_dose = 0.0;  ///< of a preset, in a request
  double most_dose = 1.0;
  /// Whether a request may do without the operator's preset.
  enum class base_preset : std::uint8_t { always, may_be_left } base = base_preset::always;
};
constexpr policy::base_preset last_of(policy::base_preset) noexcept { return policy::base_preset::may_be_left; }
constexpr std::string_view to_string(policy::base_preset value) noexcept {
  return value == policy::base_preset::always ? "always" : "may_be_left";
}

/// Every name that `policy::operations` may hold.
STEER_API std::set<std::string> operation_names();

/// @throws argument_error for an unknown operation, a layer below 0, a share that is none, doses out of order, a subspace without layers or
///         twice the same name; numeric_error for a limit or a norm that is not finite and at least 0, or a basis that is not orthonormal;
///         argument_error for limits on doses or protected subspaces without row norms
STEER_API void check(const policy& p);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/guard/policy.ipp"
#endif
