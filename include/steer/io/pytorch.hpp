// steer/io/pytorch.hpp: tensors that PyTorch has saved (.pt, .pth, .bin), read without running anything.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "steer/core/linkage.hpp"
#include "steer/io/npy.hpp"

namespace steer {
inline namespace v0 {

/// Reads what `torch.save` was given: one tensor, or several by key or place. Of float32, float16, bfloat16 and
/// float64, as views of storages that they may share, in both of its formats: the ZIP archive and the one from
/// before 1.6.
///
/// A pickle may hold any program; here it builds tensors, and dictionaries, lists and texts around them, or it is
/// refused by the first name or instruction that does more. Nothing of it runs.
///
/// @throws file_error if the file cannot be read; format_error naming the file, expected and actual for what is neither
///         format, another name or instruction, something else than tensors in a dictionary or list, numbers of another
///         type, a view beyond its storage or larger than it, big-endian numbers, and data that ends early
/// @cost   a copy of the numbers
/// @source PyTorch, torch/serialization.py and caffe2/serialize/inline_container.h
STEER_API named_arrays load_pytorch(const std::filesystem::path& path);

/// The same from a file's bytes; `name` stands for the file in messages.
STEER_API named_arrays parse_pytorch(std::span<const std::byte> bytes, const std::string& name);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/pytorch.ipp"
#endif
