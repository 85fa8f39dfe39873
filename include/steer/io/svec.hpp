// steer/io/svec.hpp: vectors of IBM's activation-steering and of AISteer360 (.svec). Opt-in: component `safetensors`.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "steer/core/linkage.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

/// Reads a vector as it was measured: key N of `directions` is the output of block N, so layer N at `residual_out`.
/// Both libraries add it a layer earlier, at the input of that block, which is the output of block N - 1.
///
/// @throws file_error if the file cannot be read; format_error naming the file and the field for what is no JSON of
/// that kind,
///         another key, a direction with NaN, nothing but zeros or another width, and for several rows at one layer:
///         AISteer360 writes one for each token of a prompt there, which no vector can be
/// @source IBM/activation-steering, steering_vector.py; IBM/AISteer360, state_control/common/steering_vector.py
STEER_API steering_vector load_svec(const std::filesystem::path& path);

/// The same from a file's bytes; `name` stands for the file in messages.
STEER_API steering_vector parse_svec(std::span<const std::byte> bytes, const std::string& name);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/svec.ipp"
#endif
