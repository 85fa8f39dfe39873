// steer/io/gguf.hpp: reads the GGUF container, versions 2 and 3: llama.cpp's models and control vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/gguf_tensor.hpp"
#include "steer/io/gguf_value.hpp"
#include "steer/io/mapped_file.hpp"

namespace steer {
inline namespace v0 {

/// A GGUF file; views into it live as long as it does. Tensors of any known type are listed.
///
/// @throws file_error if it cannot be read; format_error naming the file, the field, expected and actual for a wrong magic
///         or version, counts and lengths beyond the file, unknown types, keys or tensors that stand twice, and tensors
///         that are misaligned, overlap, leave gaps or exceed the file; and for trailing bytes
/// @cost   proportional to the metadata and the number of tensors; tensor bytes are read when touched
/// @source ggml-org/ggml docs/gguf.md; tensors without gaps and in the order of their offsets, as its reader demands
class gguf_file {
 public:
  STEER_API explicit gguf_file(const std::filesystem::path& path);
  /// Bytes that somebody else keeps; `name` stands for the file in messages.
  STEER_API gguf_file(std::span<const std::byte> bytes, std::string name);

  [[nodiscard]] std::uint32_t version() const noexcept { return version_; }
  [[nodiscard]] std::uint64_t alignment() const noexcept { return alignment_; }
  [[nodiscard]] const gguf_metadata& metadata() const noexcept { return metadata_; }
  [[nodiscard]] const std::vector<gguf_tensor>& tensors() const noexcept { return tensors_; }
  /// The path, or what the bytes were called.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  /// A text in the metadata; nothing without that key.
  /// @throws format_error if the value is no string
  STEER_API [[nodiscard]] std::optional<std::string> text_at(std::string_view key) const;

  /// A tensor's numbers as float32, exact.
  /// @throws format_error for types other than F32, F16 and BF16, and where bytes and shape do not fit
  STEER_API [[nodiscard]] std::vector<float> floats(const gguf_tensor& tensor) const;

 private:
  STEER_API [[noreturn]] void fail(std::initializer_list<text_part> parts) const;

  STEER_API void parse(std::span<const std::byte> bytes);

  STEER_API void read_metadata(detail::byte_reader& in, std::uint64_t count);

  STEER_API void read_tensor_list(detail::byte_reader& in, std::uint64_t count, std::vector<std::uint64_t>& offsets);

  STEER_API void place_tensors(std::span<const std::byte> bytes, std::uint64_t header,
                     const std::vector<std::uint64_t>& offsets);

  std::optional<mapped_file> file_;
  std::string name_;
  std::uint32_t version_ = 3;
  std::uint64_t alignment_ = detail::gguf_default_alignment;
  gguf_metadata metadata_;
  std::vector<gguf_tensor> tensors_;
};

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/gguf.ipp"
#endif
