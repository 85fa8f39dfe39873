// steer/io/steering_vector_file.ipp: the bodies of steering_vector_file.hpp.
#pragma once

#include <concepts>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>
#include <Eigen/Core>
#include <nlohmann/json.hpp>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/json_fields.hpp"
#include "steer/io/json_number.hpp"
#include "steer/io/safetensors.hpp"
#include "steer/io/steering_vector_fields.hpp"
#include "steer/io/steering_vector_file.hpp"
#include "steer/io/write_file.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

inline constexpr int steering_vector_version = 1;

STEER_BODY nlohmann::ordered_json written_vector(const steering_vector& v, const std::string& prefix,
                                             std::map<std::string, tensor_view, std::less<>>& tensors) {
  nlohmann::ordered_json about;
  about["version"] = steering_vector_version;
  about["name"] = v.name;
  about["point"] = std::string(to_string(v.point));
  visit_provenance(v.source, [&](const char* key, const auto& value) { about["source"][key] = value; });
  for (const auto& [layer, direction] : v.directions) {
    const auto view = [&](const Eigen::VectorXf& numbers) {
      return tensor_view{dtype::f32, {numbers.size()}, std::as_bytes(std::span(numbers.data(), std::size_t(numbers.size())))};
    };
    const std::string number = std::to_string(layer);
    tensors[prefix + "direction." + number] = view(direction.values);
    if (direction.origin.size() != 0) {
      tensors[prefix + "origin." + number] = view(direction.origin);
    }
    auto& measured = about["layers"][number] = nlohmann::ordered_json::object();
    visit_measurements(direction, [&](const char* key, const std::optional<double>& value) {
      if (value) {
        measured[key] = *value;
      }
    });
  }
  return about;
}

STEER_BODY steering_vector vector_from(const nlohmann::json& about, const std::string& prefix, const safetensors_file& file,
                                   std::set<std::string>& taken, const std::string& who) {
  const auto fail = [&](std::initializer_list<text_part> parts) {
    throw format_error(text({thing(who), " ", text(parts)}));
  };
  require_keys(about, {"version", "name", "point", "source", "layers"}, who);
  require_version(about.at("version"), steering_vector_version, who);
  steering_vector out;
  out.name = about.at("name").get<std::string>();
  out.point = point_from_string(about.at("point").get<std::string>());
  std::set<std::string> known;
  visit_provenance(out.source, [&](const char* key, auto& value) {
    known.insert(key);
    const auto& written = about.at("source").at(key);
    using field = std::remove_reference_t<decltype(value)>;
    if constexpr (std::integral<field>) {
      value = whole_number_of<field>(written, who, key);
    } else {
      written.get_to(value);
    }
  });
  require_keys(about.at("source"), known, who);
  const auto numbers = [&](const std::string& name) {
    const tensor_view& tensor = file.at(name);
    if (tensor.type != dtype::f32 || tensor.shape.size() != 1) {
      fail({"has tensor \"", name, "\" of ", actual({to_string(tensor.type), " ", to_string(tensor.shape)}),
            "; expected ", expected("F32 with one dimension")});
    }
    taken.insert(name);
    const std::vector<float> values = to_floats(tensor);
    return Eigen::VectorXf(Eigen::Map<const Eigen::VectorXf>(values.data(), static_cast<Eigen::Index>(values.size())));
  };
  if (!about.at("layers").is_object()) {
    fail({"has layers that are no JSON object"});
  }
  for (const auto& [number, measured] : about.at("layers").items()) {
    direction& here = out.directions[layer_of_key(number, who)];
    here.values = numbers(prefix + "direction." + number);
    if (const std::string origin = prefix + "origin." + number; file.tensors().contains(origin)) {
      here.origin = numbers(origin);
    }
    known.clear();
    visit_measurements(here, [&, &values = measured, &layer = number](const char* key, std::optional<double>& value) {
      known.insert(key);
      if (values.contains(key)) {
        value = real_number_of<double>(values.at(key), text({who, ", layer ", layer}), key);
      }
    });
    require_keys(measured, known, who);
  }
  return out;
}

template <class Real>
steering_vector read_steering_vector(const safetensors_file& file) {
  const std::string who = text({"steering vector: file ", file.name()});
  return read_described(file, "steer", who, [&](const nlohmann::json& about, std::set<std::string>& taken) {
    return vector_from(about, "", file, taken, who);
  });
}

}  // namespace detail

STEER_BODY std::string steering_vector_bytes(const steering_vector& v) {
  check(v);
  std::map<std::string, tensor_view, std::less<>> tensors;
  const nlohmann::ordered_json about = detail::written_vector(v, "", tensors);
  return safetensors_bytes(tensors, {{"steer", detail::dumped(about, text({"steering vector \"", v.name, "\""}))}});
}

STEER_BODY void save(const steering_vector& v, const std::filesystem::path& path) {
  write_file(path, {detail::bytes_of(steering_vector_bytes(v))}, "safetensors");
}

STEER_BODY steering_vector load_steering_vector(const std::filesystem::path& path) {
  return detail::read_steering_vector<Real>(safetensors_file(path));
}

STEER_BODY steering_vector parse_steering_vector(std::span<const std::byte> bytes, std::string name) {
  return detail::read_steering_vector<Real>(safetensors_file(bytes, std::move(name)));
}

}  // namespace v0
}  // namespace steer
