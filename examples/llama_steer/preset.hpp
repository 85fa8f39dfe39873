// llama_steer/preset.hpp: recipes under a name and a version, held against a policy.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "llama_steer/audit.hpp"
#include "llama_steer/printable.hpp"
#include "steer/guard/admit.hpp"
#include "steer/guard/policy_file.hpp"
#include "steer/guard/signed_file.hpp"
#include "steer/inject/plan.hpp"
#include "steer/io/preset_file.hpp"
#include "steer/io/recipe_file.hpp"
#include "steer/io/write_file.hpp"
#include "steer/serve/preset_library.hpp"

namespace llama_steer {

/// Options of `preset make`.
struct make_options {
  std::filesystem::path recipe = {};
  std::string name = {};
  int version = 1;
  std::filesystem::path policy = {};
  std::filesystem::path out = {};
  double least_dose = 0.0;
  double most_dose = 1.0;
  trail_options trail = {};
};

/// Options of `preset check`.
struct check_options {
  std::vector<std::filesystem::path> files = {};
  std::filesystem::path policy = {};
  trail_options trail = {};
};

/// Options of `preset list`.
struct list_options {
  std::filesystem::path folder = {};
  std::filesystem::path policy = {};
  trail_options trail = {};
};

namespace detail {

inline void print_violations(const std::vector<steer::violation>& all, std::ostream& out) {
  for (const steer::violation& each : all) {
    out << steer::text({"  ", to_string(each.rule), ": ", printable(each.message), "\n"});
  }
}

/// What a policy takes out, a line for each edit.
inline void print_taken_out(const std::vector<steer::taken_out>& all, std::ostream& out) {
  struct where {
    std::set<int> layers = {};
    double share = 0.0;
  };
  std::map<std::pair<std::string, std::string>, where> edits;
  for (const steer::taken_out& each : all) {
    where& here = edits[{each.edit, each.subspaces}];
    here.layers.insert(each.layer);
    here.share = std::max(here.share, each.share);
  }
  for (const auto& [edit, taken] : edits) {
    out << steer::text({"  taken out of ", printable(edit.first), " at layers ", layers_text(taken.layers), ": up to ", taken.share,
                        " of what it writes, which lies in protected \"", printable(edit.second), "\"\n"});
  }
}

inline steer::preset_library library_of(const steer::policy_document& p, const trail& written) {
  return steer::preset_library(p.rules, p.model, {.audit = written.file(), .verify = steer::signatures_beside_files{}, .loading = "checked"});
}

/// What a policy says to a preset at one dose; its rule of signatures aside.
inline steer::admission examine(const steer::policy_document& p, const steer::preset& of, double dose) {
  const steer::dosed_recipe alone{reference_of(of), &of.content, dose};
  steer::admission out = steer::examine(p.rules, std::span(&alone, 1), p.model);
  if (const std::optional<steer::violation> old = steer::age_of(p.rules, of)) {
    out.violations.push_back(*old);
  }
  return out;
}

/// The files that a policy is made of are no place for a preset.
inline void refuse_protected_files(const make_options& o, const steer::policy_document& p) {
  for (const auto& [name, files] : p.files) {
    for (const auto& [file, digest] : files) {
      std::error_code none_there;
      if (std::filesystem::equivalent(o.out, o.policy.parent_path() / file, none_there)) {
        throw steer::argument_error(steer::text({"--out \"", o.out.string(), "\" would overwrite ", steer::actual({"a file of the policy, that of protected \"", name, "\""}),
                                                 "; expected ", steer::expected("another file")}));
      }
    }
  }
}

}  // namespace detail

/// Makes a recipe a preset, if the policy allows it; no model is needed.
/// @throws steer::error with a violation a line, nothing being written then; what readers and writers throw
inline void make(const make_options& o, std::ostream& out) {
  if (o.out.extension() != ".safetensors") {  // no library would load it
    throw steer::argument_error(steer::text({"--out \"", o.out.string(), "\" names ", steer::actual("no format of presets"), "; expected ",
                                             steer::expected(".safetensors")}));
  }
  steer::require_writable(o.out, "preset");
  const steer::policy_document policy = steer::load_policy(o.policy);
  detail::refuse_protected_files(o, policy);
  const steer::preset made{o.name, o.version, o.least_dose, o.most_dose, steer::load_recipe(o.recipe)};
  const std::string reference = reference_of(made);
  const std::string digest = content_digest(made);
  const trail written(o.trail);
  const steer::admission given = detail::examine(policy, made, 1.0);
  if (!given.granted()) {
    std::ostringstream why;
    detail::print_violations(given.violations, why);
    std::string lines = why.str();
    lines.pop_back();
    written.write("refused", reference, digest, steer::policy_error(reference, given.violations).what());
    throw steer::error(steer::text({"preset ", reference, " is refused by policy \"", policy.rules.name, "\":\n", lines}));
  }
  static_cast<void>(steer::plan(given.recipe, policy.model, {.models = steer::model_check::any}));  // what only a session can do is refused
  written.write("made", reference, digest);
  try {
    steer::save(made, o.out);
  } catch (const steer::error& problem) {
    written.write("not_written", reference, digest, problem.what());
    throw;
  }
  out << steer::text({"wrote ", o.out.string(), ": ", reference, ", digest ", digest, "\n"});
  detail::print_taken_out(given.taken_out, out);
  for (const double dose : {made.least_dose, made.most_dose}) {
    if (dose == 0.0 || dose == 1.0) {
      continue;
    }
    if (const steer::admission then = detail::examine(policy, made, dose); !then.granted()) {
      out << steer::text({"note: the policy would refuse a dose of ", dose, ":\n"});
      detail::print_violations(then.violations, out);
    }
  }
  if (std::filesystem::exists(steer::signature_path(o.out))) {
    out << steer::text({"note: ", steer::signature_path(o.out).string(), " was there before and signs something else; sign this anew\n"});
  }
}

/// Says of each file whether the policy takes it.
/// @return whether all were accepted
inline bool check(const check_options& o, std::ostream& out) {
  const steer::policy_document policy = steer::load_policy(o.policy);
  const trail written(o.trail);
  steer::preset_library presets = detail::library_of(policy, written);
  bool all = true;
  for (const std::filesystem::path& file : o.files) {
    const steer::loaded_preset found = presets.load_file(file, written.who());
    all = all && found.accepted.has_value();
    if (found.accepted) {
      const steer::preset_listing& about = *found.accepted;
      out << steer::text({printable(file.string()), ": accepted ", about.reference, ", digest ", about.digest, ", ",
                          about.signer.empty() ? std::string("no signature asked for") : "signed by " + printable(about.signer), "\n"});
      detail::print_taken_out(found.taken_out, out);
      continue;
    }
    out << steer::text({printable(file.string()), ": refused\n"});
    if (found.violations.empty()) {
      out << steer::text({"  ", printable(found.refused), "\n"});
    }
    detail::print_violations(found.violations, out);
  }
  return all;
}

/// A table of the presets in a folder.
inline void list(const list_options& o, std::ostream& out) {
  const steer::policy_document policy = steer::load_policy(o.policy);
  const trail written(o.trail);
  steer::preset_library presets = detail::library_of(policy, written);
  using row = std::vector<std::string>;
  constexpr std::size_t digits = 12;
  std::vector<row> rows{{"preset", "doses", "digest", "signer, or why it is refused"}};
  for (const steer::loaded_preset& each : presets.load(o.folder, written.who())) {
    if (!each.accepted) {
      rows.push_back({printable(each.file.filename().string()), "", "", "refused: " + printable(each.refused)});
      continue;
    }
    const steer::preset_listing& about = *each.accepted;
    rows.push_back({about.reference, steer::text({about.least_dose, " to ", about.most_dose}), about.digest.substr(0, digits),
                    about.signer.empty() ? std::string("no signature asked for") : about.signer.substr(0, about.signer.find(','))});
  }
  if (rows.size() == 1) {
    out << steer::text({"folder ", o.folder.string(), " has no .safetensors files\n"});
    return;
  }
  std::vector<std::size_t> widths(rows.front().size());
  for (const row& each : rows) {
    for (std::size_t i = 0; i < each.size(); ++i) {
      widths[i] = std::max(widths[i], each[i].size());
    }
  }
  for (const row& each : rows) {
    for (std::size_t i = 0; i + 1 < each.size(); ++i) {
      out << each[i] << std::string(widths[i] + 2 - each[i].size(), ' ');
    }
    out << each.back() << "\n";
  }
}

}  // namespace llama_steer
