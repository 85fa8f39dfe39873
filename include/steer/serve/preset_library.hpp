// steer/serve/preset_library.hpp: presets that passed a policy, one of them active, swapped and rolled back while rows are steered.
// Opt-in: component `safetensors`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/core/rows.hpp"
#include "steer/guard/admit.hpp"
#include "steer/guard/policy.hpp"
#include "steer/inject/plan.hpp"
#include "steer/inject/routing_table.hpp"
#include "steer/recipe/preset.hpp"
#include "steer/vector/response.hpp"

namespace steer {
inline namespace v0 {

class audit_trail;

/// What steers: immutable, shared by any number of threads. A plan to give to a host, or to route sequences through.
struct steering {
  std::string base = {};                              ///< the operator's preset, "terse@3"; empty: none
  std::vector<std::pair<std::string, double>> doses = {};  ///< of everything that acts, the base among them, by reference
  /// SHA-256 of what the presets' files say and of the doses, 64 hexadecimal digits; of nothing that acts: empty.
  std::string digest = {};
  steer::plan plan = {};                              ///< for nothing that acts the empty one, which leaves the same bits
  std::map<std::string, estimate> expected = {};      ///< by readout, in nats, where every part's response knows it
  std::vector<steer::taken_out> taken_out = {};
  std::map<int, double> layer_doses = {};             ///< as `admission::layer_doses`
  std::vector<std::string> warnings = {};             ///< doses at which nobody has looked
  /// Whether a row is steered by how far it stands from its prompt's end: what is cached of one prompt fits no other then.
  bool by_prompt_length = false;
};

/// What somebody asks for, beside or instead of the operator's preset.
struct steering_request {
  std::vector<std::pair<std::string, double>> doses = {};  ///< "terse" or "terse@3", and how much of it
  enum class base { on_top, without } on = base::on_top;
  std::optional<steer::phase> phase = std::nullopt;  ///< the doses act on the prompt alone, or on what is generated alone; empty: on both
};

/// What a library knows of a preset.
struct preset_listing {
  std::string reference = {};  ///< "terse@3"
  std::string digest = {};     ///< `content_digest`
  std::string signer = {};     ///< what the check of the signature said; empty where the policy asks for none
  double least_dose = 0.0;     ///< that were looked at
  double most_dose = 1.0;
};

/// How alike presets are, before anything is generated.
struct preset_likeness {
  std::vector<std::string> names = {};
  Eigen::MatrixXd cosines = {};  ///< [k, k], as `written_cosines`
};

/// What became of a file.
struct loaded_preset {
  std::filesystem::path file = {};
  std::optional<preset_listing> accepted = std::nullopt;
  std::string refused = {};                   ///< why, if it was not accepted
  std::vector<violation> violations = {};     ///< of the policy, if those were why
  std::vector<steer::taken_out> taken_out = {};
};

/// Whether a file is signed by a trusted key: says by whom, or throws. See `signatures_beside_files`
/// (steer/guard/signed_file.hpp).
using signature_check = std::function<std::string(std::span<const std::byte> content, const std::filesystem::path& file,
                                                  const std::set<std::string>& trusted_keys)>;

struct library_options {
  std::shared_ptr<audit_trail> audit = nullptr;  ///< where what happens is written down before it takes effect; null: nowhere
  signature_check verify = nullptr;              ///< needed where the policy names trusted keys
  std::string loading = "loaded";                ///< what the audit trail calls it where a file is accepted
};

/// Presets of one model under one policy.
///
///     steer::preset_library presets(rules, host.shape());
///     presets.load("presets", "operator");
///     presets.activate("terse", "operator");
///     host.generate(prompt, presets.active()->plan);   // one batch, one version: hold what active() gave until the batch is done
///     presets.roll_back("operator");
///
/// Everything may be called from any number of threads. `active` waits for nobody; whoever holds what it gave goes on with that very
/// version, and the next batch sees the next one. Nothing is compiled when a preset is activated or rolled back: that was done when it
/// was loaded. What changes is written to the audit trail first: if that fails, nothing has changed.
///
/// Plans only: a recipe whose gates latch on the prompt or whose rows are passages needs a session, and is refused.
class preset_library {
 public:
  /// @throws as `check` of the policy; argument_error if it names trusted keys and nobody verifies signatures
  STEER_API preset_library(policy rules, model_shape model, library_options options = {});
  ~preset_library();
  preset_library(const preset_library&) = delete;
  preset_library& operator=(const preset_library&) = delete;

  /// Loads every .safetensors file of a folder, in the order of their names: each is accepted whole or refused. What was loaded before
  /// stays. A version that is there already with another content is refused.
  /// @param who  for the audit trail
  /// @throws file_error if the folder cannot be read; what the audit trail throws
  STEER_API std::vector<loaded_preset> load(const std::filesystem::path& folder, const std::string& who);
  /// One file.
  STEER_API loaded_preset load_file(const std::filesystem::path& file, const std::string& who);

  /// Sorted by name and version.
  STEER_API [[nodiscard]] std::vector<preset_listing> presets() const;

  /// What a preset's file says.
  /// @throws argument_error for a preset that is not there
  STEER_API [[nodiscard]] std::shared_ptr<const preset> content(std::string_view reference) const;

  /// Of each name the newest version, compared with the others.
  /// @cost as `written_cosines`
  STEER_API [[nodiscard]] preset_likeness likeness() const;

  /// What `active` gives from now on; a name alone is the newest version.
  /// @throws argument_error for a preset that is not there, naming those that are; what the audit trail throws
  STEER_API void activate(std::string_view reference, const std::string& who);
  /// No preset: off is bit-identical to never on.
  STEER_API void deactivate(const std::string& who);
  /// What was active before. The last 32 changes can be taken back.
  /// @throws argument_error if nothing was; what the audit trail throws
  STEER_API void roll_back(const std::string& who);

  /// @cost two atomic additions and a shared pointer's copy
  STEER_API [[nodiscard]] std::shared_ptr<const steering> active() const;

  /// What a request gets: its doses over the operator's preset, as the policy allows it. The last 64 are kept.
  /// @throws argument_error for a preset that is not there; numeric_error for a dose that is not finite; policy_error for a dose beyond the
  ///         policy's, a base that must not be left, or a stack that the policy refuses as a whole; what the audit trail throws when it
  ///         writes the refusal
  /// @cost   for one that was not asked for before, `examine` and a plan
  STEER_API [[nodiscard]] std::shared_ptr<const steering> steering_for(const steering_request& asked, const std::string& who) const;

  [[nodiscard]] const policy& rules() const noexcept;
  [[nodiscard]] const model_shape& model() const noexcept;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

/// A table for one batch: which rows follow which steering. Sequences that are not named are left alone.
STEER_API routing_table table_of(std::span<const std::pair<std::int32_t, std::shared_ptr<const steering>>> sequences);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/serve/preset_library.ipp"
#endif
