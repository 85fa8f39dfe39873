// llama_steer/preset_policy.hpp: a policy for one model: its shape, its row norms, and the rules that options name.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "llama_steer/audit.hpp"
#include "llama_steer/fit.hpp"
#include "llama_steer/parse.hpp"
#include "llama_steer/preset_keys.hpp"
#include "llama_steer/row_norms.hpp"
#include "llama_steer/subject.hpp"
#include "steer/core/fingerprint.hpp"
#include "steer/guard/policy_file.hpp"
#include "steer/io/mapped_file.hpp"
#include "steer/io/sha256.hpp"
#include "steer/io/steering_vector_file.hpp"
#include "steer/recipe/preset.hpp"

namespace llama_steer {

/// Options of `preset policy`. What is empty allows everything.
struct policy_options {
  model_options model;
  std::filesystem::path prose = std::filesystem::path(STEER_LLAMA_STEER_DATA) / "prose.txt";
  std::filesystem::path out = "policy.json";
  std::string name = "policy";
  std::vector<std::filesystem::path> protects = {};  ///< vectors' files, beside the policy
  double protected_share = steer::protected_subspace{}.most_share;
  double protected_dose = steer::protected_subspace{}.most_dose;
  bool project_out = false;
  std::optional<double> layer_dose = {};
  std::optional<double> total_dose = {};
  std::optional<std::string> operations = {};  ///< "add,ablate"
  std::optional<std::string> points = {};
  std::optional<std::string> layers = {};
  std::vector<std::string> readouts = {};  ///< "terse:5"
  std::vector<std::filesystem::path> trusted = {};
  std::vector<std::string> siblings = {};
  std::vector<std::string> least_versions = {};  ///< "terse:2"
  std::string request_doses = "0,1";
  bool base_may_be_left = false;
};

/// What is known before a model is loaded.
struct drafted_policy {
  steer::policy_document document = {};
  std::vector<steer::steering_vector> protects = {};
};

namespace detail {

/// "a,b", each once.
inline std::set<std::string> parse_names(std::string_view list, const char* what) {
  std::set<std::string> out;
  for (bool more = true; more;) {
    const std::string_view item = list.substr(0, list.find(','));
    more = item.size() < list.size();
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    if (item.empty() || !out.emplace(item).second) {
      throw steer::argument_error(steer::text({what, " names ", steer::actual({"\"", item, "\"", item.empty() ? "" : " twice"}), "; expected ",
                                               steer::expected("names with commas between them, each once")}));
    }
  }
  return out;
}

/// "terse:5" as a name and what stands behind the colon.
inline std::pair<std::string, std::string_view> parse_named(std::string_view written, const char* what, const char* wanted) {
  const std::size_t colon = written.rfind(':');
  if (colon == std::string_view::npos || colon == 0) {
    throw steer::argument_error(steer::text({what, " \"", steer::actual(written), "\": expected ", steer::expected(wanted)}));
  }
  return {std::string(written.substr(0, colon)), written.substr(colon + 1)};
}

template <class Map>
void insert_once(Map& into, std::string name, typename Map::mapped_type value, const char* what) {
  if (!into.emplace(name, std::move(value)).second) {
    throw steer::argument_error(steer::text({what, " names ", steer::actual({"\"", name, "\" twice"}), "; expected ", steer::expected("each once")}));
  }
}

inline std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

inline void protect(const std::filesystem::path& file, const policy_options& o, drafted_policy& draft) {
  std::error_code none_there;
  if (!std::filesystem::equivalent(folder_of(file), folder_of(o.out), none_there)) {
    throw steer::argument_error(steer::text({"--protect ", file.string(), " is in ", steer::actual(folder_of(file).string()), "; expected ",
                                             steer::expected({"a file beside the policy, in ", folder_of(o.out).string()})}));
  }
  const steer::mapped_file read(file);
  steer::steering_vector v = steer::parse_steering_vector(read.bytes(), file.string());
  const std::string name = v.name;
  insert_once(draft.document.files, name, {{file.filename().string(), steer::sha256_hex(read.bytes())}}, "--protect");
  draft.document.rules.protects.push_back(
      steer::subspace_of({v}, {.name = name,
                               .most_share = o.protected_share,
                               .most_dose = o.protected_dose,
                               .how = o.project_out ? steer::protection::project_out : steer::protection::refuse}));
  draft.protects.push_back(std::move(v));
}

}  // namespace detail

/// The rules that options name, but for those that need the model.
/// @throws steer::argument_error for what is no rule; what readers of the named files throw; as `check`
inline drafted_policy draft(const policy_options& o) {
  drafted_policy out;
  steer::policy& rules = out.document.rules;
  rules.name = o.name;
  if (o.operations) {
    rules.operations = detail::parse_names(*o.operations, "--operations");
  }
  if (o.points) {
    rules.points.emplace();
    for (const std::string& each : detail::parse_names(*o.points, "--points")) {
      rules.points->insert(steer::point_from_string(each));
    }
  }
  if (o.layers) {
    const std::vector<int> named = parse_layers(*o.layers);
    if (named.empty()) {
      throw steer::argument_error(steer::text({"--layers is ", steer::actual("empty"), "; expected ", steer::expected("layers such as 10-22")}));
    }
    rules.layers.emplace(named.begin(), named.end());
  }
  rules.most_layer_dose = o.layer_dose;
  rules.most_total_dose = o.total_dose;
  for (const std::string& each : o.readouts) {
    const auto [name, nats] = detail::parse_named(each, "--readout", "NAME:NATS, such as terse:5");
    detail::insert_once(rules.readouts, name, parse_real(nats, "--readout " + each + ": nats"), "--readout");
  }
  for (const std::string& each : o.least_versions) {
    const auto [name, version] = detail::parse_named(each, "--least-version", "NAME:N, such as terse:2");
    if (const steer::preset_reference named = steer::parse_preset_reference(name); named.version != 0) {
      throw steer::argument_error(steer::text({"--least-version \"", steer::actual(each), "\": expected ", steer::expected("NAME:N, such as terse:2")}));
    }
    const auto number = static_cast<int>(parse_whole(version, "--least-version " + each + ": the version", 1, std::numeric_limits<int>::max()));
    detail::insert_once(rules.least_versions, name, number, "--least-version");
  }
  const std::size_t comma = o.request_doses.find(',');
  if (comma == std::string::npos) {
    throw steer::argument_error(steer::text({"--request-doses \"", steer::actual(o.request_doses), "\": expected ",
                                             steer::expected("two numbers, the least and the most, such as 0,1")}));
  }
  rules.least_dose = parse_real(std::string_view(o.request_doses).substr(0, comma), "--request-doses");
  rules.most_dose = parse_real(std::string_view(o.request_doses).substr(comma + 1), "--request-doses");
  rules.base = o.base_may_be_left ? steer::policy::base_preset::may_be_left : steer::policy::base_preset::always;
  for (const std::filesystem::path& each : o.trusted) {
    rules.trusted_keys = rules.trusted_keys.value_or(std::set<std::string>());
    rules.trusted_keys->insert(trusted_key(each));
  }
  rules.fingerprints.emplace();
  for (const std::string& each : o.siblings) {
    if (each.empty() || !rules.fingerprints->insert(each).second) {
      throw steer::argument_error(steer::text({"--sibling \"", steer::actual(each), "\": expected ", steer::expected("a fingerprint, each once")}));
    }
  }
  for (const std::filesystem::path& each : o.protects) {
    detail::protect(each, o, out);
  }
  steer::policy checked = rules;
  checked.row_norms = {{steer::site{}, 1.0}};  // which are not known yet
  check(checked);
  return out;
}

/// The policy of a draft for a model.
/// @throws steer::argument_error or steer::shape_error for a rule that can be none of this model; as `measure_row_norms`
inline steer::policy_document complete(drafted_policy draft, steer::llama_cpp_host& host, const std::vector<token_list>& prose) {
  steer::policy_document out = std::move(draft.document);
  out.model = host.shape();
  const std::string who = steer::text({"policy \"", out.rules.name, "\""});
  if (out.rules.layers) {
    out.model.require({*out.rules.layers->rbegin(), steer::point::residual_out}, who + ": --layers");
  }
  if (out.rules.points) {
    for (const steer::point each : *out.rules.points) {
      out.model.require({0, each}, who + ": --points");
    }
  }
  out.rules.fingerprints->insert(out.model.fingerprint);
  for (const steer::steering_vector& each : draft.protects) {
    const std::string protects = steer::text({who, ": --protect \"", each.name, "\""});
    out.model.require({each.directions.rbegin()->first, each.point}, protects);
    if (each.width() != out.model.width_at(each.point)) {
      throw steer::shape_error(steer::text({steer::thing(protects), " has width ", steer::actual(each.width()), "; expected ",
                                            steer::expected(out.model.width_at(each.point)), " as the model has"}));
    }
    const std::string& measured_on = each.source.fingerprint;
    if (std::none_of(out.rules.fingerprints->begin(), out.rules.fingerprints->end(),
                     [&](const std::string& accepted) { return steer::may_be_same_weights(measured_on, accepted); })) {
      throw steer::argument_error(steer::text({steer::thing(protects), " was measured on a model with the fingerprint ", steer::actual(measured_on),
                                               "; expected ", steer::expected(out.model.fingerprint), ", or --sibling"}));
    }
  }
  out.rules.row_norms = measure_row_norms(host, prose);
  check(out.rules);
  return out;
}

}  // namespace llama_steer
