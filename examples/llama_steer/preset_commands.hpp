// llama_steer/preset_commands.hpp: the commands of `preset`, and what they are given.
#pragma once

#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "llama_steer/add_option.hpp"
#include "llama_steer/audit.hpp"
#include "llama_steer/preset.hpp"
#include "llama_steer/preset_keys.hpp"
#include "llama_steer/preset_policy.hpp"
#include "llama_steer/subject.hpp"

namespace llama_steer {

/// The model, and how it runs.
inline void declare_model(CLI::App& app, model_options& o) {
  app.add_option("--model", o.model, "a GGUF model")->required()->check(CLI::ExistingFile);
  add_whole(app, "--threads", o.threads, 1, 256, "threads, by default one per processor")->default_str("");
}

/// What the commands of `preset` are given.
class preset_commands {
 public:
  policy_options policy_of;
  make_options make_of;
  check_options check_of;
  list_options list_of;
  keys_options keys_of;
  sign_options sign_of;
  verify_options verify_of;

  void declare(CLI::App& preset) {
    preset.require_subcommand(1);
    declare_policy(*preset.add_subcommand("policy", "measure a model's row norms and write a policy for it, whose rules the options are"));
    declare_make(*preset.add_subcommand("make", "give a recipe a name and a version, if a policy allows it"));
    declare_check(*preset.add_subcommand("check", "hold files against a policy, as an engine does that loads them"));
    declare_list(*preset.add_subcommand("list", "what presets a folder has, and what a policy says of them"));
    declare_keys(*preset.add_subcommand("keys", "make a pair of keys: one that signs, and one that verifies"));
    declare_sign(*preset.add_subcommand("sign", "sign files: FILE.minisig, which minisign verifies, too"));
    declare_verify(*preset.add_subcommand("verify", "say by whom files are signed"));
  }

 private:
  /// Again for each, and nothing of what follows it.
  template <class Value>
  static CLI::Option* add_each(CLI::App& app, const std::string& name, std::vector<Value>& to, const std::string& what) {
    return app.add_option(name, to, what)->allow_extra_args(false);
  }

  static void declare_trail(CLI::App& app, trail_options& o) {
    app.add_option("--audit", o.audit, "write down what is done in this audit trail, which is made or continued");
    app.add_option("--who", o.who, "with --audit: by whom; by default the user's name from the system");
  }
  static void declare_files(CLI::App& app, std::vector<std::filesystem::path>& files, const std::string& what) {
    app.add_option("files", files, what)->required()->check(CLI::ExistingFile);
  }
  static CLI::Option* declare_policy_file(CLI::App& app, std::filesystem::path& policy, const std::string& what) {
    return app.add_option("--policy", policy, what)->check(CLI::ExistingFile);
  }

  void declare_policy(CLI::App& app) {
    policy_options& o = policy_of;
    declare_model(app, o.model);
    app.add_option("--prose", o.prose, "texts on which rows are measured, one per line")->check(CLI::ExistingFile);
    app.add_option("--out", o.out, "the file to write")->capture_default_str();
    app.add_option("--name", o.name, "the policy's name, for messages")->capture_default_str();
    add_each(app, "--protect", o.protects, "a steering vector's file (.safetensors) beside the policy, along which nothing may be written, again for each")
        ->check(CLI::ExistingFile);
    add_number(app, "--protected-share", o.protected_share, "the largest share of what is written, by length, that may lie along one of these");
    add_number(app, "--protected-dose", o.protected_dose, "the most that may be written along one of these up to a layer, in mean row norms");
    app.add_flag("--project-out", o.project_out, "take out what lies along them instead of refusing it");
    add_number(app, "--layer-dose", o.layer_dose, "how far a row may be moved at one layer, in mean row norms");
    add_number(app, "--total-dose", o.total_dose, "the same, in sum over the layers");
    app.add_option("--operations", o.operations, "operations that are allowed, such as add,ablate");
    app.add_option("--points", o.points, "points that are allowed, such as residual_out");
    app.add_option("--layers", o.layers, "zero-based layers that are allowed, such as 10-22");
    add_each(app, "--readout", o.readouts, "NAME:NATS: how far a readout may be moved, by the recipes' measured responses, again for each");
    add_each(app, "--trust", o.trusted, "a public key's file: files must be signed by it, or another one that is named so")->check(CLI::ExistingFile);
    add_each(app, "--sibling", o.siblings, "the fingerprint of a model whose recipes are accepted as well, again for each");
    add_each(app, "--least-version", o.least_versions, "NAME:N: older versions of a preset are refused, again for each");
    app.add_option("--request-doses", o.request_doses, "the least and the most dose that a request may ask for")->capture_default_str();
    app.add_flag("--base-may-be-left", o.base_may_be_left, "a request may do without the operator's preset");
  }

  void declare_make(CLI::App& app) {
    make_options& o = make_of;
    app.add_option("recipe", o.recipe, "the recipe's file, such as `fit` writes, or an older preset's")->required()->check(CLI::ExistingFile);
    app.add_option("--name", o.name, "letters, digits and underscores")->required();
    add_whole(app, "--version", o.version, 1, std::numeric_limits<int>::max(), "from 1; a later one is newer")->required()->default_str("");
    declare_policy_file(app, o.policy, "the policy that must allow it, but for its rule of signatures")->required();
    app.add_option("--out", o.out, "the file to write, .safetensors")->required();
    add_number(app, "--least-dose", o.least_dose, "doses from here on were looked at");
    add_number(app, "--most-dose", o.most_dose, "doses up to here were looked at");
    declare_trail(app, o.trail);
  }

  void declare_check(CLI::App& app) {
    declare_files(app, check_of.files, "presets' files");
    declare_policy_file(app, check_of.policy, "the policy")->required();
    declare_trail(app, check_of.trail);
  }

  void declare_list(CLI::App& app) {
    app.add_option("folder", list_of.folder, "whose .safetensors files are listed")->required()->check(CLI::ExistingDirectory);
    declare_policy_file(app, list_of.policy, "the policy")->required();
    declare_trail(app, list_of.trail);
  }

  void declare_keys(CLI::App& app) {
    app.add_option("--out", keys_of.out, "the name: NAME.key signs and is for nobody else, NAME.pub verifies and is for everybody")->required();
  }

  void declare_sign(CLI::App& app) {
    declare_files(app, sign_of.files, "the files to sign");
    app.add_option("--key", sign_of.key, "the secret key's file, NAME.key or minisign's")->required()->check(CLI::ExistingFile);
    app.add_option("--password-file", sign_of.password, "a file whose first line is the password of an encrypted key")->check(CLI::ExistingFile);
    app.add_option("--comment", sign_of.comment, "what is signed with the file; by default a preset's reference and digest");
    declare_trail(app, sign_of.trail);
  }

  void declare_verify(CLI::App& app) {
    declare_files(app, verify_of.files, "the files, each with its FILE.minisig");
    CLI::Option* const trusted = add_each(app, "--trust", verify_of.trusted, "a public key's file, again for each")->check(CLI::ExistingFile);
    declare_policy_file(app, verify_of.policy, "a policy instead, whose keys are trusted")->excludes(trusted);
    declare_trail(app, verify_of.trail);
  }
};

}  // namespace llama_steer
