// steer/io/write_gguf.hpp: writes the GGUF container, version 3.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "steer/core/error.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/gguf_tensor.hpp"
#include "steer/io/gguf_value.hpp"
#include "steer/io/write_file.hpp"

namespace steer {
inline namespace v0 {

/// The bytes of a version 3 file; `general.alignment` in the metadata, where there is one, says how tensors are
/// aligned.
///
/// @throws format_error if a key or name stands twice or is too long for ggml, a tensor's type is unknown or its bytes do
///         not fit its shape, or the alignment is no power of two
/// @cost   one copy of the tensors
inline std::string gguf_bytes(const gguf_metadata& metadata, std::span<const gguf_tensor> tensors) {
  const auto fail = [](std::initializer_list<detail::text_part> parts) {
    throw format_error(detail::text({"gguf: ", detail::text(parts)}));
  };
  std::uint64_t alignment = detail::gguf_default_alignment;
  std::string out = "GGUF";
  detail::append_bytes(out, std::uint32_t{3});
  detail::append_bytes(out, std::uint64_t{tensors.size()});
  detail::append_bytes(out, std::uint64_t{metadata.size()});
  std::set<std::string_view> seen;
  for (const auto& [key, value] : metadata) {
    constexpr std::size_t longest_key = 65535;
    if (key.empty() || key.size() > longest_key || !seen.insert(key).second) {
      fail({detail::thing({"metadata \"", key, "\""}), " stands twice, is empty or is longer than ",
            detail::expected(longest_key), " bytes"});
    }
    if (key == "general.alignment") {
      const auto stated = value.get<std::uint32_t>();
      if (!stated || !std::has_single_bit(*stated)) {
        fail({"general.alignment is no ", detail::expected("power of two of type u32")});
      }
      alignment = *stated;
    }
    detail::append_bytes(out, std::uint64_t{key.size()});
    out += key;
    value.append_to(out);
  }
  seen.clear();
  std::uint64_t offset = 0;
  for (const gguf_tensor& tensor : tensors) {
    constexpr std::size_t longest_name = 63;
    if (tensor.name.empty() || tensor.name.size() > longest_name || !seen.insert(tensor.name).second) {
      fail({detail::thing({"tensor \"", tensor.name, "\""}), " stands twice, has no name or one longer than ",
            detail::expected(longest_name), " bytes"});
    }
    const gguf_tensor_type* type = find_gguf_tensor_type(tensor.type);
    if (type == nullptr || tensor.shape.size() > detail::gguf_most_dimensions ||
        detail::gguf_bytes_of(*type, tensor.shape) != tensor.bytes.size()) {
      fail({detail::thing({"tensor \"", tensor.name, "\""}), " of shape ", detail::shape_text(tensor.shape),
            " and type ", detail::type_text(tensor.type), " does not fit its ", detail::actual(tensor.bytes.size()),
            " bytes"});
    }
    detail::append_bytes(out, std::uint64_t{tensor.name.size()});
    out += tensor.name;
    detail::append_bytes(out, static_cast<std::uint32_t>(tensor.shape.size()));
    for (const std::uint64_t extent : tensor.shape) {
      detail::append_bytes(out, extent);
    }
    detail::append_bytes(out, tensor.type);
    detail::append_bytes(out, offset);
    offset = detail::round_up(offset + tensor.bytes.size(), alignment);
  }
  for (const gguf_tensor& tensor : tensors) {
    out.resize(static_cast<std::size_t>(detail::round_up(out.size(), alignment)));
    out.append(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
  }
  out.resize(static_cast<std::size_t>(detail::round_up(out.size(), alignment)));
  return out;
}

/// Writes a version 3 file, whole or not at all.
/// @throws what `gguf_bytes` throws; file_error if the file cannot be written
inline void write_gguf(const std::filesystem::path& path, const gguf_metadata& metadata,
                       std::span<const gguf_tensor> tensors) {
  write_file(path, {detail::bytes_of(gguf_bytes(metadata, tensors))}, "gguf");
}

}  // namespace v0
}  // namespace steer
