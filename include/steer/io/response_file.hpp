// steer/io/response_file.hpp: steering vectors with their measured response as a safetensors file. Opt-in: component
// `safetensors`.
//
// Whoever serves it can give doses in nats, and say what a dose is expected to do, without measuring again. Tensors
// `<j>.direction.<layer>` and `<j>.origin.<layer>`, F32 [d], for vector j; the metadata's `steer_response` holds everything
// else as JSON. Doubles survive the round trip bit for bit.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>
#include <nlohmann/json.hpp>

#include "steer/core/linkage.hpp"
#include "steer/io/steering_vector_file.hpp"
#include "steer/vector/measured_vectors.hpp"
#include "steer/vector/strength_unit.hpp"

namespace steer {
inline namespace v0 {

namespace detail {

/// Everything of a response but the names of its vectors.
STEER_API nlohmann::ordered_json written_response(const response& r);

/// The way back, for a response of these vectors.
/// @throws format_error, argument_error or an exception of the JSON library if something is malformed; `who` names it
STEER_API response response_from(const nlohmann::json& about, const std::vector<steering_vector>& vectors, const std::string& who);

}  // namespace detail

/// Vectors with their response as a file's bytes; reading it back gives equal ones.
///
/// @throws as `check`; numeric_error if the cap is not above 0 (infinity is); argument_error or shape_error if a layer of the
///         layer of the dose stands twice or a vector lacks it; format_error if a text is no UTF-8
STEER_API std::string measured_vectors_bytes(const measured_vectors& measured);

/// Writes them, whole or not at all.
///
///     steer::save({vectors, response}, "tones.safetensors");
///     const steer::measured_vectors tones = steer::load_measured_vectors("tones.safetensors");
///     const steer::dosed given = steer::dose(tones.vectors, tones.response, {1.5, 0.0, -1.0});  // given.expected says what it does
///
/// @throws what `measured_vectors_bytes` throws; file_error if the file cannot be written
STEER_API void save(const measured_vectors& measured, const std::filesystem::path& path);

/// Reads what `save` wrote.
///
/// @throws file_error if the file cannot be read; format_error naming the file and the field for a file of another kind or
///         version, an unknown key or tensor, a missing one, or numbers that are not sound
STEER_API measured_vectors load_measured_vectors(const std::filesystem::path& path);

/// The same from a file's bytes; `name` stands for the file in messages.
STEER_API measured_vectors parse_measured_vectors(std::span<const std::byte> bytes, std::string name);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/response_file.ipp"
#endif
