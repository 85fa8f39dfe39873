// steer/io/steering_vector_file.hpp: a steering vector as a safetensors file. Opt-in: component `safetensors`.
//
// Tensors `direction.<layer>` and, where known, `origin.<layer>`, F32 [d], layers zero-based; the metadata's `steer` holds
// everything else as JSON. Doubles survive the round trip bit for bit.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "steer/io/safetensors.hpp"
#include "steer/io/steering_vector_fields.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

inline constexpr int steering_vector_version = 1;

}  // namespace detail

/// Writes a steering vector; reading it back gives an equal one.
///
/// @throws shape_error or numeric_error if the vector is not sound, format_error if a text is no UTF-8, file_error if the file cannot be written
inline void save(const steering_vector& v, const std::filesystem::path& path) {
  check(v);
  nlohmann::ordered_json about;
  about["version"] = detail::steering_vector_version;
  about["name"] = v.name;
  about["point"] = std::string(to_string(v.point));
  detail::visit_provenance(v.source, [&](const char* key, const auto& value) { about["source"][key] = value; });
  std::map<std::string, tensor_view, std::less<>> tensors;
  for (const auto& [layer, direction] : v.directions) {
    const auto view = [&](const Eigen::VectorXf& numbers) {
      return tensor_view{dtype::f32, {numbers.size()}, std::as_bytes(std::span(numbers.data(), std::size_t(numbers.size())))};
    };
    const std::string number = std::to_string(layer);
    tensors["direction." + number] = view(direction.values);
    if (direction.origin.size() != 0) {
      tensors["origin." + number] = view(direction.origin);
    }
    auto& measured = about["layers"][number] = nlohmann::ordered_json::object();
    detail::visit_measurements(direction, [&](const char* key, const std::optional<double>& value) {
      if (value) {
        measured[key] = *value;
      }
    });
  }
  std::string text;
  try {
    text = about.dump();
  } catch (const nlohmann::json::exception& problem) {
    throw format_error(detail::text("steering vector \"", v.name, "\": a text is no UTF-8: ", std::string_view(problem.what())));
  }
  write_safetensors(path, tensors, {{"steer", std::move(text)}});
}

namespace detail {

inline steering_vector read_steering_vector(const safetensors_file& file) {
  const auto fail = [&](const auto&... parts) {
    throw format_error(detail::text("steering vector: file ", file.name(), " ", parts...));
  };
  if (!file.metadata().contains("steer")) {
    fail("has no metadata \"steer\"; it is no steering vector of this library");
  }
  try {
    const auto about =
        detail::strict_json(file.metadata_at("steer"), detail::text("steering vector: file ", file.name(), ": metadata \"steer\""));
    if (about.at("version") != detail::steering_vector_version) {
      fail("has version ", about.at("version").dump(), "; expected ", detail::steering_vector_version);
    }
    const auto only = [&](const nlohmann::json& object, const std::set<std::string>& known) {
      for (const auto& [key, value] : object.items()) {
        if (!known.contains(key)) {
          fail("has the unknown key \"", key, "\"");
        }
      }
    };
    only(about, {"version", "name", "point", "source", "layers"});
    steering_vector out;
    out.name = about.at("name").get<std::string>();
    out.point = point_from_string(about.at("point").get<std::string>());
    std::set<std::string> known;
    detail::visit_provenance(out.source, [&](const char* key, auto& value) {
      known.insert(key);
      const auto& written = about.at("source").at(key);
      if constexpr (std::integral<std::remove_reference_t<decltype(value)>>) {
        if (!written.is_number_unsigned()) {
          fail("has ", key, " ", written.dump(), "; expected a whole number, not negative");
        }
      }
      written.get_to(value);
    });
    only(about.at("source"), known);

    std::set<std::string> tensors;
    const auto numbers = [&](const std::string& name) {
      const tensor_view& tensor = file.at(name);
      if (tensor.type != dtype::f32 || tensor.shape.size() != 1) {
        fail("has tensor \"", name, "\" of ", to_string(tensor.type), " ", to_string(tensor.shape),
             "; expected F32 with one dimension");
      }
      tensors.insert(name);
      const std::vector<float> values = to_floats(tensor);
      return Eigen::VectorXf(Eigen::Map<const Eigen::VectorXf>(values.data(), static_cast<Eigen::Index>(values.size())));
    };
    if (!about.at("layers").is_object()) {
      fail("has layers that are no JSON object");
    }
    for (const auto& [number, measured] : about.at("layers").items()) {
      int layer = -1;
      const auto [end, failure] = std::from_chars(number.data(), number.data() + number.size(), layer);
      if (failure != std::errc{} || end != number.data() + number.size() || std::to_string(layer) != number || layer < 0) {
        fail("has the layer \"", number, "\"; expected a zero-based number");
      }
      direction& here = out.directions[layer];
      here.values = numbers("direction." + number);
      if (file.tensors().contains("origin." + number)) {
        here.origin = numbers("origin." + number);
      }
      known.clear();
      detail::visit_measurements(here, [&, &values = measured](const char* key, std::optional<double>& value) {
        known.insert(key);
        if (values.contains(key)) {
          value = values.at(key).template get<double>();
        }
      });
      only(measured, known);
    }
    for (const auto& [name, tensor] : file.tensors()) {
      if (!tensors.contains(name)) {
        fail("has the unexpected tensor \"", name, "\"");
      }
    }
    try {
      check(out);
    } catch (const error& problem) {
      throw format_error(detail::text("steering vector: file ", file.name(), ": ", std::string_view(problem.what())));
    }
    return out;
  } catch (const nlohmann::json::exception& problem) {
    fail("has malformed metadata \"steer\": ", std::string_view(problem.what()));
  } catch (const argument_error& problem) {
    fail("has malformed metadata \"steer\": ", std::string_view(problem.what()));
  }
  return {};  // unreachable: fail throws
}

}  // namespace detail

/// Reads what `save` wrote.
///
/// @throws file_error if the file cannot be read; format_error naming the file and the field for a file of another kind or
///         version, an unknown key or tensor, a missing one, or a vector that is not sound
inline steering_vector load_steering_vector(const std::filesystem::path& path) {
  return detail::read_steering_vector(safetensors_file(path));
}

/// The same from a file's bytes; `name` stands for the file in messages.
inline steering_vector parse_steering_vector(std::span<const std::byte> bytes, std::string name) {
  return detail::read_steering_vector(safetensors_file(bytes, std::move(name)));
}

}  // namespace v0
}  // namespace steer
