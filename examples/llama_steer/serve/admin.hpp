// llama_steer/serve/admin.hpp: what is said of presets, the policy and the audit trail.
#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include <nlohmann/json.hpp>

#include "llama_steer/serve/service.hpp"
#include "steer/guard/policy.hpp"
#include "steer/recipe/preset.hpp"
#include "steer/serve/audit_trail.hpp"
#include "steer/serve/preset_library.hpp"

namespace llama_steer::serve {
namespace detail {

inline nlohmann::ordered_json written_presets(const steer::preset_library& presets) {
  const auto now = presets.active();
  nlohmann::ordered_json out{{"active", now->base.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(now->base)},
                             {"digest", now->digest},
                             {"request_doses", {presets.rules().least_dose, presets.rules().most_dose}},
                             {"base", std::string(to_string(presets.rules().base))},
                             {"presets", nlohmann::ordered_json::array()}};
  for (const steer::preset_listing& each : presets.presets()) {
    nlohmann::ordered_json one{{"reference", each.reference},
                               {"name", steer::parse_preset_reference(each.reference).name},
                               {"digest", each.digest},
                               {"doses", {each.least_dose, each.most_dose}}};
    const auto held = presets.content(each.reference);
    if (const auto& fitted = held->content.fitted) {
      const auto written = [](const std::optional<steer::estimate>& number) {
        return number ? nlohmann::ordered_json{{"value", number->value}, {"error", number->error}} : nlohmann::ordered_json();
      };
      one["fitted"] = {{"instruction", fitted->instruction}, {"recovery", written(fitted->recovery)}, {"drift", written(fitted->drift)}};
    }
    out["presets"].push_back(std::move(one));
  }
  return out;
}

/// How alike the newest version of each preset is to the others.
inline nlohmann::ordered_json interference_of(const steer::preset_library& presets) {
  const steer::preset_likeness found = presets.likeness();
  nlohmann::ordered_json out{{"names", found.names}, {"cosines", nlohmann::ordered_json::array()}};
  for (Eigen::Index i = 0; i < found.cosines.rows(); ++i) {
    const Eigen::VectorXd row = found.cosines.row(i).transpose();
    out["cosines"].push_back(std::vector<double>(row.begin(), row.end()));
  }
  return out;
}

template <class Thing, class Write>
nlohmann::ordered_json any_or(const std::optional<Thing>& rule, Write write) {
  return rule ? nlohmann::ordered_json(write(*rule)) : nlohmann::ordered_json("any");
}

}  // namespace detail

/// How much of what the policy allows a stack takes: of the layer that takes most, and in sum. Empty where it limits neither.
inline nlohmann::ordered_json budget_of(const steer::steering& acts, const steer::policy& rules) {
  double most = 0.0;
  double total = 0.0;
  for (const auto& [layer, dose] : acts.layer_doses) {
    most = std::max(most, dose);
    total += dose;
  }
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  if (rules.most_layer_dose && *rules.most_layer_dose > 0.0) {
    out["layer"] = most / *rules.most_layer_dose;
  }
  if (rules.most_total_dose && *rules.most_total_dose > 0.0) {
    out["total"] = total / *rules.most_total_dose;
  }
  return out;
}

inline std::string presets_json(const steer::preset_library& presets) { return detail::written_presets(presets).dump(); }

/// /v1/models: the one model, and beside what that API has, what may be asked of it.
inline std::string models_with_presets(service& of) {
  auto out = nlohmann::ordered_json::parse(models_json(std::array{listed_model{of.options().model_name, of.started()}}));
  out["data"][0]["steering"] = detail::written_presets(of.presets());
  out["data"][0]["steering"]["coordinates"] = of.watched();
  out["data"][0]["steering"]["interference"] = detail::interference_of(of.presets());
  return out.dump();
}

/// The rules, without the numbers of subspaces and norms.
inline std::string policy_summary(const steer::policy& p) {
  const auto as_it_is = [](const auto& rule) { return rule; };
  nlohmann::ordered_json out{{"name", p.name}};
  out["fingerprints"] = detail::any_or(p.fingerprints, as_it_is);
  out["operations"] = detail::any_or(p.operations, as_it_is);
  out["layers"] = detail::any_or(p.layers, as_it_is);
  out["most_layer_dose"] = detail::any_or(p.most_layer_dose, as_it_is);
  out["most_total_dose"] = detail::any_or(p.most_total_dose, as_it_is);
  out["readouts"] = p.readouts;
  out["protects"] = nlohmann::ordered_json::array();
  for (const steer::protected_subspace& each : p.protects) {
    out["protects"].push_back({{"name", each.name}, {"most_share", each.most_share}, {"most_dose", each.most_dose}, {"how", std::string(to_string(each.how))}});
  }
  out["trusted_keys"] = detail::any_or(p.trusted_keys, as_it_is);
  out["least_versions"] = p.least_versions;
  out["request_doses"] = {p.least_dose, p.most_dose};
  out["base"] = std::string(to_string(p.base));
  return out.dump();
}

/// Loads the presets' folder again: what is new in it is there from now on.
/// @throws api_error, 500, if it cannot be read: all is as it was then
inline std::string load_again(service& of) {
  nlohmann::ordered_json out{{"accepted", nlohmann::ordered_json::array()}, {"refused", nlohmann::ordered_json::array()}};
  try {
    for (const steer::loaded_preset& each : of.presets().load(of.options().presets, "admin")) {
      if (each.accepted) {
        out["accepted"].push_back(each.accepted->reference);
      } else {
        out["refused"].push_back({{"file", excerpt(each.file.filename().string(), 200)}, {"why", excerpt(each.refused, 2000)}});
      }
    }
  } catch (const steer::file_error& problem) {
    throw api_error(problem.what(), {.status = 500, .type = "server_error", .code = "presets_unreadable"});
  }
  of.watch();
  return out.dump();
}

/// Checks the whole trail, and says where it stands.
/// @throws as `steer::check_audit`; api_error, 404, where there is none
inline std::string audit_summary(const std::filesystem::path& file) {
  if (file.empty()) {
    throw api_error("there is no audit trail; see --audit", {.status = 404, .code = "not_found"});
  }
  const steer::audit_report found = steer::check_audit(file);
  return nlohmann::ordered_json{{"lines", found.lines},           {"head", found.head},   {"first_time", found.first_time},
                                {"last_time", found.last_time}, {"counts", found.counts}}
      .dump();
}

}  // namespace llama_steer::serve
