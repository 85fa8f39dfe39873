// steer/guard/policy_file.ipp: the bodies of policy_file.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <Eigen/Core>
#include <nlohmann/json.hpp>

#include "steer/core/error.hpp"
#include "steer/core/fingerprint.hpp"
#include "steer/core/real.hpp"
#include "steer/guard/effects.hpp"
#include "steer/guard/policy_file.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/json_fields.hpp"
#include "steer/io/json_number.hpp"
#include "steer/io/mapped_file.hpp"
#include "steer/io/safetensors.hpp"
#include "steer/io/sha256.hpp"
#include "steer/io/steering_vector_file.hpp"
#include "steer/io/write_file.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

inline constexpr int policy_format = 1;
inline constexpr const char* anything = "any";

constexpr std::array all_row_facts{row_fact::token, row_fact::position, row_fact::sequence, row_fact::phase, row_fact::prompt_length};

/// "token id" as "token_id": facts have names for messages only.
inline std::string name_of(row_fact fact) {
  std::string out(to_string(fact));
  std::replace(out.begin(), out.end(), ' ', '_');
  return out;
}

inline constexpr int largest_model_size = 1'000'000;  // keeps products of sizes far from overflow

inline bool is_name_beside(const std::string& name) {
  const std::filesystem::path named(name);
  return !name.empty() && name.find('\0') == std::string::npos && named == named.filename() && name != "." && name != "..";
}

template <class Real>
struct policy_writer {
  using json = nlohmann::ordered_json;

  template <class Thing, class Write>
  static json any_or(const std::optional<Thing>& rule, Write write) {
    return rule ? json(write(*rule)) : json(anything);
  }

  static json model(const model_shape& m) {
    json out{{"name", m.name},       {"fingerprint", m.fingerprint}, {"layers", m.layers}, {"width", m.width},
             {"streams", m.streams}, {"head_width", m.head_width},   {"heads", m.heads}};
    out["points"] = json::array();
    for (const point p : all_points) {
      if (m.points.contains(p)) {
        out["points"].push_back(std::string(to_string(p)));
      }
    }
    out["facts"] = json::array();
    for (const row_fact fact : all_row_facts) {
      if (m.facts.contains(fact)) {
        out["facts"].push_back(name_of(fact));
      }
    }
    return out;
  }

  static json whole(const policy_document& p) {
    const policy& rules = p.rules;
    for (const auto& [size, name] : {std::pair<std::ptrdiff_t, const char*>{p.model.layers, "layers"}, {p.model.width, "width"},
                                     {p.model.streams, "streams"}, {p.model.head_width, "head_width"}, {p.model.heads, "heads"}}) {
      if (size < 0 || size > largest_model_size) {
        throw argument_error(text({"policy \"", rules.name, "\": its model has ", name, " ", actual(size), "; expected ",
                                   expected({"0 to ", largest_model_size})}));
      }
    }
    json out{{"format", policy_format}, {"name", rules.name}, {"model", model(p.model)}};
    out["siblings"] = any_or(rules.fingerprints, [&](std::set<std::string> all) {
      if (all.erase(p.model.fingerprint) == 0) {
        throw argument_error(text({"policy \"", rules.name, "\": does not accept its own model's fingerprint, ", expected(p.model.fingerprint)}));
      }
      if (p.model.fingerprint.empty()) {
        throw argument_error(text({"policy \"", rules.name, "\": has a rule of fingerprints for a model with ", actual("none")}));
      }
      return all;
    });
    const auto as_it_is = [](const auto& all) { return all; };
    out["operations"] = any_or(rules.operations, as_it_is);
    out["points"] = any_or(rules.points, [](const std::set<point>& all) {
      std::vector<std::string> names;
      for (const point each : all) {
        names.emplace_back(to_string(each));
      }
      return names;
    });
    out["layers"] = any_or(rules.layers, as_it_is);
    out["row_norms"] = json::object();
    for (const auto& [where, norm] : rules.row_norms) {
      out["row_norms"][std::string(to_string(where.point))][std::to_string(where.layer)] = norm;
    }
    out["most_layer_dose"] = any_or(rules.most_layer_dose, as_it_is);
    out["most_total_dose"] = any_or(rules.most_total_dose, as_it_is);
    out["readouts"] = rules.readouts;
    out["protects"] = json::array();
    for (const protected_subspace& each : rules.protects) {
      const auto files = p.files.find(each.name);
      if (files == p.files.end() || files->second.empty()) {
        throw argument_error(text({"policy \"", rules.name, "\": protected \"", each.name, "\" is in ", actual("no file"), "; expected ",
                                   expected("the files of its vectors")}));
      }
      for (const auto& [name, digest] : files->second) {
        if (!is_name_beside(name)) {
          throw argument_error(text({"policy \"", rules.name, "\": protected \"", each.name, "\" is in the file ", actual({"\"", name, "\""}),
                                     "; expected ", expected("a file beside the policy")}));
        }
      }
      out["protects"].push_back({{"name", each.name},
                                 {"files", files->second},
                                 {"most_share", each.most_share},
                                 {"most_dose", each.most_dose},
                                 {"how", std::string(to_string(each.how))}});
    }
    if (p.files.size() != rules.protects.size()) {
      throw argument_error(text({"policy \"", rules.name, "\": has files of ", actual(p.files.size()), " protected subspaces; expected ",
                                 expected(rules.protects.size())}));
    }
    out["trusted_keys"] = any_or(rules.trusted_keys, as_it_is);
    out["least_versions"] = rules.least_versions;
    out["request_doses"] = {rules.least_dose, rules.most_dose};
    out["base"] = std::string(to_string(rules.base));
    return out;
  }
};

template <class Real>
class policy_reader {
 public:
  using json = nlohmann::json;

  policy_reader(std::string who, const std::filesystem::path& folder) : who_(std::move(who)), folder_(folder) {}

  policy_document whole(const json& about) {
    require_keys(about, {"format", "name", "model", "siblings", "operations", "points", "layers", "row_norms", "most_layer_dose", "most_total_dose",
                         "readouts", "protects", "trusted_keys", "least_versions", "request_doses", "base"}, who_);
    require_version(about.at("format"), policy_format, who_);
    policy_document out;
    policy& rules = out.rules;
    rules.name = string_of(about.at("name"), who_, "name");
    out.model = model(about.at("model"));
    rules.fingerprints = names(about, "siblings");
    if (rules.fingerprints) {
      if (out.model.fingerprint.empty()) {
        throw format_error(text({thing(who_), ", siblings: the model has ", actual("no fingerprint"), "; expected ", expected("one, or \"any\"")}));
      }
      rules.fingerprints->insert(out.model.fingerprint);
    }
    rules.operations = names(about, "operations");
    if (const auto points = names(about, "points")) {
      rules.points.emplace();
      for (const std::string& each : *points) {
        rules.points->insert(point_named(each, "points"));
      }
    }
    if (!is_any(about.at("layers"))) {
      rules.layers.emplace();
      for (const json& each : list(about.at("layers"), "layers")) {
        insert(*rules.layers, whole_number_of<int>(each, who_, "layers"), "layers");
      }
    }
    for (const auto& [name, by_layer] : object(about.at("row_norms"), "row_norms").items()) {
      for (const auto& [layer, norm] : object(by_layer, "row_norms").items()) {
        rules.row_norms[{layer_of_key(layer, who_ + ", row_norms"), point_named(name, "row_norms")}] = real_number_of<double>(norm, who_, "row_norms");
      }
    }
    rules.most_layer_dose = limit(about, "most_layer_dose");
    rules.most_total_dose = limit(about, "most_total_dose");
    for (const auto& [readout, nats] : object(about.at("readouts"), "readouts").items()) {
      rules.readouts[readout] = real_number_of<double>(nats, who_, "readouts");
    }
    for (const json& each : list(about.at("protects"), "protects")) {
      rules.protects.push_back(protects(each, out));
    }
    rules.trusted_keys = names(about, "trusted_keys");
    for (const auto& [preset, version] : object(about.at("least_versions"), "least_versions").items()) {
      rules.least_versions[preset] = whole_number_of<int>(version, who_, "least_versions");
    }
    const std::vector<double> doses = real_numbers_of(about.at("request_doses"), who_, "request_doses");
    if (doses.size() != 2) {
      throw format_error(text({thing(who_), " has request_doses of ", actual(doses.size()), " numbers; expected ", expected("two: the least and the most")}));
    }
    rules.least_dose = doses[0];
    rules.most_dose = doses[1];
    rules.base = one_of<policy::base_preset>(about.at("base"), "base");
    check(rules);
    return out;
  }

 private:
  static bool is_any(const json& written) { return written.is_string() && written == anything; }

  const json& list(const json& written, const char* key) const {
    if (!written.is_array()) {
      throw format_error(text({thing(who_), ", ", key, ": is ", actual({"a JSON ", written.type_name()}), "; expected ", expected("a list, or \"any\"")}));
    }
    return written;
  }
  const json& object(const json& written, const char* key) const {
    if (!written.is_object()) {
      throw format_error(text({thing(who_), ", ", key, ": is ", actual({"a JSON ", written.type_name()}), "; expected ", expected("an object")}));
    }
    return written;
  }
  template <class Value>
  void insert(std::set<Value>& into, Value value, const char* key) const {
    require_once(!into.insert(value).second, value, key);
  }
  void require_once(bool is_there, const text_part& value, const char* key) const {
    if (is_there) {
      throw format_error(text({thing(who_), ", ", key, ": ", actual(value), " stands twice"}));
    }
  }

  std::optional<std::set<std::string>> names(const json& about, const char* key) const {
    if (is_any(about.at(key))) {
      return std::nullopt;
    }
    std::set<std::string> out;
    for (const json& each : list(about.at(key), key)) {
      insert(out, string_of(each, who_, key), key);
    }
    return out;
  }

  point point_named(const std::string& name, const char* key) const {
    for (const point each : all_points) {
      if (to_string(each) == name) {
        return each;
      }
    }
    throw format_error(text({thing(who_), ", ", key, ": is ", actual({"\"", name, "\""}), "; expected ", expected("a point")}));
  }

  std::optional<double> limit(const json& about, const char* key) const {
    return is_any(about.at(key)) ? std::nullopt : std::make_optional(real_number_of<double>(about.at(key), who_, key));
  }

  template <class Enum>
  Enum one_of(const json& written, const char* key) const {
    const std::string name = string_of(written, who_, key);
    for (int i = 0; i <= static_cast<int>(last_of(Enum{})); ++i) {
      if (to_string(static_cast<Enum>(i)) == name) {
        return static_cast<Enum>(i);
      }
    }
    throw format_error(text({thing(who_), ", ", key, ": is ", actual({"\"", name, "\""}), "; expected ",
                             expected({to_string(Enum{}), " or ", to_string(last_of(Enum{}))})}));
  }

  model_shape model(const json& about) const {
    require_keys(about, {"name", "fingerprint", "layers", "width", "streams", "head_width", "heads", "points", "facts"}, who_ + ", model");
    model_shape out;
    out.name = string_of(about.at("name"), who_ + ", model", "name");
    out.fingerprint = string_of(about.at("fingerprint"), who_ + ", model", "fingerprint");
    out.layers = size_of_model<int>(about, "layers");
    out.width = size_of_model<std::ptrdiff_t>(about, "width");
    out.streams = size_of_model<int>(about, "streams");
    out.head_width = size_of_model<std::ptrdiff_t>(about, "head_width");
    out.heads = size_of_model<int>(about, "heads");
    for (const json& each : list(about.at("points"), "model, points")) {
      const point here = point_named(string_of(each, who_ + ", model", "points"), "model, points");
      require_once(out.points.contains(here), to_string(here), "model, points");
      out.points.insert(here);
    }
    for (const json& each : list(about.at("facts"), "model, facts")) {
      const std::string name = string_of(each, who_ + ", model", "facts");
      bool known = false;
      for (const row_fact fact : all_row_facts) {
        if (name_of(fact) == name) {
          require_once(out.facts.contains(fact), name, "model, facts");
          out.facts.insert(fact);
          known = true;
        }
      }
      if (!known) {
        throw format_error(text({thing(who_), ", model, facts: is ", actual({"\"", name, "\""}), "; expected ", expected("a fact of rows")}));
      }
    }
    return out;
  }
  template <class Number>
  Number size_of_model(const json& about, const char* key) const {
    constexpr Number most = largest_model_size;
    const Number out = whole_number_of<Number>(about.at(key), who_ + ", model", key);
    if (out > most) {
      throw format_error(text({thing(who_), ", model, ", key, ": is ", actual(out), "; expected ", expected({"at most ", most})}));
    }
    return out;
  }

  protected_subspace protects(const json& about, policy_document& of) const {
    require_keys(about, {"name", "files", "most_share", "most_dose", "how"}, who_ + ", protects");
    protected_subspace out;
    out.name = string_of(about.at("name"), who_ + ", protects", "name");
    out.most_share = real_number_of<double>(about.at("most_share"), who_, "most_share");
    out.most_dose = real_number_of<double>(about.at("most_dose"), who_, "most_dose");
    out.how = one_of<protection>(about.at("how"), "how");
    std::vector<steering_vector> vectors;
    for (const auto& [name, wanted] : object(about.at("files"), "files").items()) {
      if (!is_name_beside(name)) {
        throw format_error(text({thing(who_), ", protects \"", out.name, "\": names the file ", actual({"\"", name, "\""}), "; expected ",
                                 expected("a file beside the policy")}));
      }
      const mapped_file file(folder_ / name);
      const std::string digest = sha256_hex(file.bytes());
      if (wanted != digest) {
        throw format_error(text({thing(who_), ", protects \"", out.name, "\": file ", name, " has the SHA-256 ", actual(digest), "; expected ",
                                 expected(wanted.is_string() ? wanted.template get<std::string>() : shown(wanted))}));
      }
      of.files[out.name][name] = digest;
      vectors.push_back(parse_steering_vector(file.bytes(), (folder_ / name).string()));
      require_same_model(vectors.back(), of, text({"protects \"", out.name, "\": file ", name}));
    }
    return subspace_of(vectors, std::move(out));
  }

  std::string who_;
  std::filesystem::path folder_;
};

}  // namespace detail

STEER_BODY void require_same_model(const steering_vector& v, const policy_document& p, const std::string& who) {
  for (const auto& [layer, direction] : v.directions) {
    p.model.require({layer, v.point}, who);
  }
  if (v.width() != p.model.width_at(v.point)) {
    throw shape_error(text({thing(who), " has width ", actual(v.width()), "; expected ", expected(p.model.width_at(v.point)), " as the model has"}));
  }
  std::set<std::string> accepted = p.rules.fingerprints.value_or(std::set<std::string>());
  accepted.insert(p.model.fingerprint);
  if (std::none_of(accepted.begin(), accepted.end(), [&](const std::string& each) { return may_be_same_weights(v.source.fingerprint, each); })) {
    throw argument_error(text({thing(who), " was measured on a model with the fingerprint ", actual(v.source.fingerprint), "; expected ",
                               expected(p.model.fingerprint), " or a sibling's"}));
  }
}

STEER_BODY protected_subspace subspace_of(const std::vector<steering_vector>& vectors, protected_subspace settings) {
  const std::string who = text({"protected \"", settings.name, "\""});
  if (vectors.empty()) {
    throw argument_error(text({thing(who), " is spanned by ", actual("no vector"), "; expected ", expected("at least one")}));
  }
  settings.point = vectors.front().point;
  for (const steering_vector& v : vectors) {
    check(v);
    if (v.point != settings.point) {
      throw argument_error(text({thing(who), ": \"", v.name, "\" belongs to ", actual(to_string(v.point)), "; expected ",
                                 expected(to_string(settings.point)), " as the others"}));
    }
    if (v.width() != vectors.front().width()) {
      throw shape_error(text({thing(who), ": \"", v.name, "\" has width ", actual(v.width()), "; expected ", expected(vectors.front().width()),
                              " as the others"}));
    }
  }
  for (const auto& [layer, first] : vectors.front().directions) {
    matrix<Real> rows(0, first.values.size());
    for (const steering_vector& v : vectors) {
      if (v.directions.contains(layer)) {
        rows.conservativeResize(rows.rows() + 1, Eigen::NoChange);
        rows.row(rows.rows() - 1) = unit(v.directions.at(layer)).transpose();
      }
    }
    if (rows.rows() != static_cast<Eigen::Index>(vectors.size())) {
      continue;
    }
    settings.bases[layer] = detail::orthonormal(rows);
    if (settings.bases[layer].rows() != rows.rows()) {
      throw numeric_error(text({thing(who), ", layer ", at_layer(layer), ": its vectors are ", actual("dependent"), "; expected ",
                                expected("as many dimensions as vectors")}));
    }
  }
  if (settings.bases.empty()) {
    throw argument_error(text({thing(who), ": its vectors share ", actual("no layer"), "; expected ", expected("at least one")}));
  }
  return settings;
}

STEER_BODY std::string policy_json(const policy_document& p) {
  check(p.rules);
  return detail::dumped(detail::policy_writer<Real>::whole(p), "policy", 2) + "\n";
}

STEER_BODY void save(const policy_document& p, const std::filesystem::path& path) {
  const std::string written = policy_json(p);
  write_file(path, {detail::bytes_of(written)}, "policy");
}

STEER_BODY policy_document parse_policy(std::span<const std::byte> bytes, const std::string& name, const std::filesystem::path& folder) {
  const std::string who = text({"policy: file ", name});
  try {
    const std::string_view written(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return detail::policy_reader<Real>(who, folder).whole(detail::strict_json(written, who));
  } catch (const format_error&) {
    throw;
  } catch (const file_error&) {
    throw;
  } catch (const nlohmann::json::exception& problem) {
    throw format_error(text({thing(who), " has a field that is missing or malformed: ", std::string_view(problem.what())}));
  } catch (const error& problem) {
    throw format_error(within(who + ": ", problem));
  }
}

STEER_BODY policy_document load_policy(const std::filesystem::path& path) {
  const mapped_file file(path);
  return parse_policy(file.bytes(), path.string(), path.has_parent_path() ? path.parent_path() : std::filesystem::path("."));
}

}  // namespace v0
}  // namespace steer
