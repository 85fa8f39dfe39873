// steer/io/write_gguf.ipp: the bodies of write_gguf.hpp.
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
#include "steer/core/real.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/gguf_tensor.hpp"
#include "steer/io/gguf_value.hpp"
#include "steer/io/write_file.hpp"
#include "steer/io/write_gguf.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY std::string gguf_bytes(const gguf_metadata& metadata, std::span<const gguf_tensor> tensors) {
  const auto fail = [](std::initializer_list<text_part> parts) { throw format_error(text({"gguf: ", text(parts)})); };
  std::uint64_t alignment = detail::gguf_default_alignment;
  std::string out = "GGUF";
  detail::append_bytes(out, std::uint32_t{3});
  detail::append_bytes(out, std::uint64_t{tensors.size()});
  detail::append_bytes(out, std::uint64_t{metadata.size()});
  std::set<std::string_view> seen;
  for (const auto& [key, value] : metadata) {
    constexpr std::size_t longest_key = 65535;
    if (key.empty() || key.size() > longest_key || !seen.insert(key).second) {
      fail({thing({"metadata \"", key, "\""}), " stands twice, is empty or is longer than ", expected(longest_key),
            " bytes"});
    }
    if (key == "general.alignment") {
      const auto stated = value.template get<std::uint32_t>();
      if (!stated || !std::has_single_bit(*stated)) {
        fail({"general.alignment is no ", expected("power of two of type u32")});
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
      fail({thing({"tensor \"", tensor.name, "\""}), " stands twice, has no name or one longer than ",
            expected(longest_name), " bytes"});
    }
    const gguf_tensor_type* type = find_gguf_tensor_type(tensor.type);
    if (type == nullptr || tensor.shape.size() > detail::gguf_most_dimensions ||
        detail::gguf_bytes_of(*type, tensor.shape) != tensor.bytes.size()) {
      fail({thing({"tensor \"", tensor.name, "\""}), " of shape ", detail::shape_text(tensor.shape), " and type ",
            detail::type_text(tensor.type), " does not fit its ", actual(tensor.bytes.size()), " bytes"});
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

STEER_BODY void write_gguf(const std::filesystem::path& path, const gguf_metadata& metadata,
                       std::span<const gguf_tensor> tensors) {
  write_file(path, {detail::bytes_of(gguf_bytes(metadata, tensors))}, "gguf");
}

}  // namespace v0
}  // namespace steer
