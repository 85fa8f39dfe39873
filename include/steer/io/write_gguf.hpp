// steer/io/write_gguf.hpp: writes the GGUF container, version 3.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "steer/core/linkage.hpp"
#include "steer/io/gguf_tensor.hpp"
#include "steer/io/gguf_value.hpp"

namespace steer {
inline namespace v0 {

/// The bytes of a version 3 file; `general.alignment` in the metadata, where there is one, says how tensors are
/// aligned.
///
/// @throws format_error if a key or name stands twice or is too long for ggml, a tensor's type is unknown or its bytes do
///         not fit its shape, or the alignment is no power of two
/// @cost   one copy of the tensors
STEER_API std::string gguf_bytes(const gguf_metadata& metadata, std::span<const gguf_tensor> tensors);

/// Writes a version 3 file, whole or not at all.
/// @throws what `gguf_bytes` throws; file_error if the file cannot be written
STEER_API void write_gguf(const std::filesystem::path& path, const gguf_metadata& metadata,
                       std::span<const gguf_tensor> tensors);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/write_gguf.ipp"
#endif
