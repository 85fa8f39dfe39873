// steer/io/recipe_file.ipp: the bodies of recipe_file.hpp.
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>
#include <Eigen/Core>
#include <nlohmann/json.hpp>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/json_fields.hpp"
#include "steer/io/json_number.hpp"
#include "steer/io/recipe_file.hpp"
#include "steer/io/response_file.hpp"
#include "steer/io/safetensors.hpp"
#include "steer/io/sha256.hpp"
#include "steer/io/steering_vector_file.hpp"
#include "steer/io/write_file.hpp"
#include "steer/recipe/edit.hpp"
#include "steer/recipe/field.hpp"
#include "steer/vector/affine_map.hpp"
#include "steer/vector/plane.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

inline constexpr int recipe_version = 1;
/// A list that version 1 began without: written only where it says something, so that other files are what they were.
constexpr bool came_later(std::string_view field) noexcept { return field == "streams"; }

inline constexpr const char* positive_infinity = "infinity";
inline constexpr const char* negative_infinity = "-infinity";

/// Calls `visit(name, numbers)` for each tensor of a map, whose kind it is.
template <class Map, class Visit>
void visit_tensors(Map& map, Visit visit) {
  using kind = std::remove_const_t<Map>;
  if constexpr (std::same_as<kind, diagonal_map>) {
    visit("scale", map.scale);
    visit("shift", map.shift);
  } else if constexpr (std::same_as<kind, low_rank_map>) {
    visit("read", map.read);
    visit("write", map.write);
    visit("shift", map.shift);
  } else if constexpr (std::same_as<kind, dense_map>) {
    visit("linear", map.linear);
    visit("shift", map.shift);
  } else {
    visit("first", map.first);
    visit("second", map.second);
  }
}
template <class Map>
constexpr std::string_view name_of_map() noexcept {
  return std::same_as<Map, diagonal_map> ? "diagonal" : std::same_as<Map, low_rank_map> ? "low_rank" : "dense";
}

/// Parts of a recipe as JSON, their numbers among the tensors.
template <class Real>
class recipe_writer {
 public:
  using json = nlohmann::ordered_json;

  explicit recipe_writer(std::map<std::string, tensor_view, std::less<>>& tensors) : tensors_(tensors) {}

  json operator()(const edit& e) {
    json out;
    std::visit(
        [&](const auto& op) {
          out["operation"] = std::string(op.name);
          write_fields(op, out);
        },
        e.operation);
    out["where"] = value(e.where);
    out["point"] = std::string(to_string(e.point));
    return out;
  }

 private:
  template <class Part>
  void write_fields(const Part& part, json& out) {
    Part::fields(part, [&](std::string_view name, const auto& inner, auto...) {
      json written = value(inner);
      if (!came_later(name) || !written.empty()) {
        out[std::string(name)] = std::move(written);
      }
    });
  }

  json value(const steering_vector& v) {
    const std::string prefix = next_prefix();
    return {{"tensors", prefix}, {"vector", written_vector(v, prefix, tensors_)}};
  }
  json value(const steer::plane& p) {
    json out{{"tensors", next_prefix()}};
    visit_tensors(p, [&](const char* name, const auto& numbers) { keep(out["tensors"].template get<std::string>() + name, numbers); });
    return out;
  }
  json value(const affine_map& map) {
    return std::visit(
        [&](const auto& m) {
          json out{{"tensors", next_prefix()}, {"kind", std::string(name_of_map<std::remove_cvref_t<decltype(m)>>())}};
          visit_tensors(m, [&](const char* name, const auto& numbers) { keep(out["tensors"].template get<std::string>() + name, numbers); });
          return out;
        },
        map);
  }
  template <class Part>
  json value(const std::vector<Part>& parts) {
    json out = json::array();
    for (const Part& part : parts) {
      out.push_back(value(part));
    }
    return out;
  }
  template <class Part>
  json value(const std::optional<Part>& part) {
    return part ? value(*part) : json(nullptr);
  }
  template <class Part>
  json value(const Part& part) {
    if constexpr (has_fields<Part>) {
      json out = json::object();
      write_fields(part, out);
      return out;
    } else if constexpr (std::is_enum_v<Part>) {
      return std::string(to_string(part));
    } else if constexpr (std::floating_point<Part>) {
      return std::isfinite(part) ? json(part) : json(part > 0 ? positive_infinity : negative_infinity);
    } else {
      return part;
    }
  }

  std::string next_prefix() { return std::to_string(count_++) + "."; }

  template <class Derived>
  void keep(const std::string& name, const Eigen::PlainObjectBase<Derived>& numbers) {
    using number = typename Derived::Scalar;
    std::vector<std::int64_t> shape;
    if constexpr (Derived::ColsAtCompileTime == 1) {
      shape = {numbers.size()};
    } else {
      static_assert(Derived::IsRowMajor);
      shape = {numbers.rows(), numbers.cols()};
    }
    tensors_[name] = {std::same_as<number, double> ? dtype::f64 : dtype::f32, std::move(shape),
                      std::as_bytes(std::span(numbers.data(), static_cast<std::size_t>(numbers.size())))};
  }

  std::map<std::string, tensor_view, std::less<>>& tensors_;
  std::size_t count_ = 0;
};

/// The way back. Every key must be known and be there.
template <class Real>
class recipe_reader {
 public:
  using json = nlohmann::json;

  recipe_reader(const safetensors_file& file, std::set<std::string>& taken) : file_(file), taken_(taken) {}

  edit edit_from(const json& about, const std::string& who) {
    edit out;
    std::set<std::string> known{"operation", "where", "point"};
    if (!about.is_object()) {
      throw format_error(text({thing(who), " is ", actual({"a JSON ", about.type_name()}), "; expected ", expected("an object")}));
    }
    const std::string name = about.at("operation").get<std::string>();
    if (!choose(out.operation, name, std::make_index_sequence<std::variant_size_v<operation>>{})) {
      throw format_error(text({thing(who), " has the operation ", actual({"\"", name, "\""}), "; expected ",
                               expected("one that this version has")}));
    }
    std::visit(
        [&](auto& op) {
          std::remove_cvref_t<decltype(op)>::fields(op, [&](std::string_view field, auto& part, auto...) {
            read_field(about, field, part, who, known);
          });
        },
        out.operation);
    read(about.at("where"), out.where, who + ", where");
    read(about.at("point"), out.point, who + ", point");
    require_keys(about, known, who);
    return out;
  }

 private:
  template <std::size_t... I>
  static bool choose(operation& out, std::string_view name, std::index_sequence<I...>) {
    return ((std::variant_alternative_t<I, operation>::name == name ? (out.emplace<I>(), true) : false) || ...);
  }

  template <class Part>
  void read_field(const json& about, std::string_view name, Part& part, const std::string& who, std::set<std::string>& known) {
    known.emplace(name);
    if (came_later(name) && !about.contains(name)) {
      return;
    }
    read(about.at(std::string(name)), part, text({who, ", ", name}));
  }

  void read(const json& about, steering_vector& v, const std::string& who) {
    require_keys(about, {"tensors", "vector"}, who);
    v = vector_from(about.at("vector"), about.at("tensors").get<std::string>(), file_, taken_, who);
  }
  void read(const json& about, steer::plane& p, const std::string& who) {
    require_keys(about, {"tensors"}, who);
    read_tensors(about, p, who);
  }
  void read(const json& about, affine_map& map, const std::string& who) {
    require_keys(about, {"tensors", "kind"}, who);
    const std::string kind = about.at("kind").get<std::string>();
    if (kind == name_of_map<diagonal_map>()) {
      map = diagonal_map{};
    } else if (kind == name_of_map<low_rank_map>()) {
      map = low_rank_map{};
    } else if (kind == name_of_map<dense_map>()) {
      map = dense_map{};
    } else {
      throw format_error(text({thing(who), " is of the kind ", actual({"\"", kind, "\""}), "; expected ",
                               expected("diagonal, low_rank or dense")}));
    }
    std::visit([&](auto& m) { read_tensors(about, m, who); }, map);
  }
  template <class Map>
  void read_tensors(const json& about, Map& map, const std::string& who) {
    const std::string prefix = about.at("tensors").get<std::string>();
    visit_tensors(map, [&](const char* name, auto& numbers) { take(prefix + name, numbers, who); });
  }
  template <class Part>
  void read(const json& about, std::vector<Part>& parts, const std::string& who) {
    if (!about.is_array()) {
      throw format_error(text({thing(who), " is ", actual({"a JSON ", about.type_name()}), "; expected ", expected("a list")}));
    }
    for (const json& each : about) {
      const std::string name = text({who, " ", parts.size()});
      read(each, parts.emplace_back(), name);
    }
  }
  template <class Part>
  void read(const json& about, std::optional<Part>& part, const std::string& who) {
    if (!about.is_null()) {
      read(about, part.emplace(), who);
    }
  }
  template <class Part>
  void read(const json& about, Part& part, const std::string& who) {
    if constexpr (has_fields<Part>) {
      std::set<std::string> known;
      if (!about.is_object()) {
        throw format_error(text({thing(who), " is ", actual({"a JSON ", about.type_name()}), "; expected ", expected("an object")}));
      }
      Part::fields(part, [&](std::string_view field, auto& inner, auto...) { read_field(about, field, inner, who, known); });
      require_keys(about, known, who);
    } else if constexpr (std::is_enum_v<Part>) {
      const std::string name = about.get<std::string>();
      const int last = static_cast<int>(last_of(Part{}));
      int at = 0;
      while (at <= last && to_string(static_cast<Part>(at)) != name) {
        ++at;
      }
      if (at > last) {
        throw format_error(text({thing(who), " is ", actual({"\"", name, "\""}), "; expected ", expected("a name that this version has")}));
      }
      part = static_cast<Part>(at);
    } else if constexpr (std::floating_point<Part>) {
      const bool infinite = about == positive_infinity || about == negative_infinity;
      part = infinite ? std::numeric_limits<Part>::infinity() : real_number_of<Part>(about, who, "the number");
      part = about == negative_infinity ? -part : part;
    } else if constexpr (std::same_as<Part, bool>) {
      about.get_to(part);
    } else {
      const std::optional<Part> number = integer_in<Part>(about);
      if (!number) {
        throw format_error(text({thing(who), " is ", actual(shown(about)), "; expected ", expected("a whole number")}));
      }
      part = *number;
    }
  }

  template <class Derived>
  void take(const std::string& name, Eigen::PlainObjectBase<Derived>& numbers, const std::string& who) {
    using number = typename Derived::Scalar;
    constexpr bool is_vector = Derived::ColsAtCompileTime == 1;
    constexpr dtype wanted = std::same_as<number, double> ? dtype::f64 : dtype::f32;
    const tensor_view& tensor = file_.at(name);
    if (tensor.type != wanted || tensor.shape.size() != (is_vector ? 1 : 2)) {
      throw format_error(text({thing(who), " has tensor \"", name, "\" of ", actual({to_string(tensor.type), " ", to_string(tensor.shape)}),
                               "; expected ", expected({to_string(wanted), " with ", is_vector ? 1 : 2, " dimensions"})}));
    }
    taken_.insert(name);
    if constexpr (is_vector) {
      numbers.derived().resize(tensor.shape[0]);
    } else {
      numbers.derived().resize(tensor.shape[0], tensor.shape[1]);
    }
    if (!tensor.bytes.empty()) {
      std::memcpy(numbers.data(), tensor.bytes.data(), tensor.bytes.size());
    }
  }

  const safetensors_file& file_;
  std::set<std::string>& taken_;
};

template <class Real>
nlohmann::ordered_json written_estimate(const std::optional<estimate>& number) {
  return number ? nlohmann::ordered_json{number->value, number->error} : nlohmann::ordered_json(nullptr);
}
template <class Real>
std::optional<estimate> estimate_from(const nlohmann::json& about, const std::string& who, const char* name) {
  if (about.is_null()) {
    return std::nullopt;
  }
  const std::vector<double> numbers = real_numbers_of(about, who, name);
  if (numbers.size() != 2) {
    throw format_error(text({thing(who), " has a ", name, " of ", actual(numbers.size()), " numbers; expected ",
                             expected("two: the value and its error")}));
  }
  return estimate{numbers[0], numbers[1]};
}

template <class Real>
nlohmann::ordered_json written_fitted(const fitted& f) {
  nlohmann::ordered_json out;
  out["behaviour"] = f.behaviour;
  out["instruction"] = f.instruction;
  out["kind"] = f.kind;
  out["model"] = f.model;
  out["fingerprint"] = f.fingerprint;
  out["requests"] = f.requests;
  out["tokens"] = f.tokens;
  out["recovery"] = written_estimate<Real>(f.recovery);
  out["drift"] = written_estimate<Real>(f.drift);
  out["layers"] = nlohmann::ordered_json::object();
  for (const auto& [layer, here] : f.layers) {
    out["layers"][std::to_string(layer)] = {here.explained, here.norm_ratio};
  }
  return out;
}

template <class Real>
fitted fitted_from(const nlohmann::json& about, const std::string& who) {
  require_keys(about, {"behaviour", "instruction", "kind", "model", "fingerprint", "requests", "tokens", "recovery", "drift", "layers"}, who);
  fitted out;
  about.at("behaviour").get_to(out.behaviour);
  about.at("instruction").get_to(out.instruction);
  about.at("kind").get_to(out.kind);
  about.at("model").get_to(out.model);
  about.at("fingerprint").get_to(out.fingerprint);
  out.requests = whole_number_of<std::size_t>(about.at("requests"), who, "requests");
  out.tokens = whole_number_of<std::size_t>(about.at("tokens"), who, "tokens");
  out.recovery = estimate_from<Real>(about.at("recovery"), who, "recovery");
  out.drift = estimate_from<Real>(about.at("drift"), who, "drift");
  if (!about.at("layers").is_object()) {
    throw format_error(text({thing(who), " has layers that are ", actual("no JSON object")}));
  }
  for (const auto& [number, here] : about.at("layers").items()) {
    const std::optional<estimate> both = estimate_from<Real>(here, who, "layer");
    if (!both) {
      throw format_error(text({thing(who), ", layer ", number, " is ", actual("null"), "; expected ", expected("two numbers")}));
    }
    out.layers[layer_of_key(number, who)] = {both->value, both->error};
  }
  return out;
}

STEER_BODY documented_recipe recipe_in(const safetensors_file& file) {
  const std::string who = text({"recipe: file ", file.name()});
  return read_described(file, recipe_key, who, [&](const nlohmann::json& about, std::set<std::string>& taken) {
    require_keys(about, {"version", "edits", "fitted", "response"}, who);
    require_version(about.at("version"), recipe_version, who);
    documented_recipe out;
    recipe_reader<Real> reader(file, taken);
    if (!about.at("edits").is_array()) {
      throw format_error(text({thing(who), " has edits that are ", actual("no list")}));
    }
    for (const nlohmann::json& each : about.at("edits")) {
      out.recipe.append(reader.edit_from(each, text({who, ", edit ", out.recipe.edits().size()})));
    }
    if (!about.at("fitted").is_null()) {
      out.fitted = fitted_from<Real>(about.at("fitted"), who + ", fitted");
    }
    if (!about.at("response").is_null()) {
      const nlohmann::json& response = about.at("response");
      require_keys(response, {"vectors", "measured"}, who + ", response");
      out.response = response_from(response.at("measured"), {}, who + ", response");
      response.at("vectors").get_to(out.response->vectors);
    }
    return out;
  });
}

STEER_BODY std::string recipe_bytes(const documented_recipe& r, std::map<std::string, std::string> metadata) {
  check(r);
  std::map<std::string, tensor_view, std::less<>> tensors;
  recipe_writer<Real> write(tensors);
  nlohmann::ordered_json about;
  about["version"] = recipe_version;
  about["edits"] = nlohmann::ordered_json::array();
  for (const edit& each : r.recipe.edits()) {
    about["edits"].push_back(write(each));
  }
  about["fitted"] = r.fitted ? written_fitted<Real>(*r.fitted) : nlohmann::ordered_json(nullptr);
  about["response"] = nullptr;
  if (r.response) {
    about["response"] = {{"vectors", r.response->vectors}, {"measured", written_response(*r.response)}};
  }
  metadata[recipe_key] = dumped(about, "recipe");
  return safetensors_bytes(tensors, metadata);
}

}  // namespace detail

STEER_BODY std::string recipe_bytes(const documented_recipe& r) { return detail::recipe_bytes(r, {}); }

STEER_BODY std::string content_digest(const documented_recipe& r) {
  const std::string bytes = recipe_bytes(r);
  return sha256_hex(detail::bytes_of(bytes));
}

STEER_BODY void save(const documented_recipe& r, const std::filesystem::path& path) {
  write_file(path, {detail::bytes_of(recipe_bytes(r))}, "safetensors");
}

STEER_BODY documented_recipe load_recipe(const std::filesystem::path& path) {
  return detail::recipe_in(safetensors_file(path));
}

STEER_BODY documented_recipe parse_recipe(std::span<const std::byte> bytes, std::string name) {
  return detail::recipe_in(safetensors_file(bytes, std::move(name)));
}

}  // namespace v0
}  // namespace steer
