// tests/io/raw_gguf.hpp: GGUF files byte by byte, wrong ones included.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace raw_gguf {

/// The bytes of numbers, and of texts as they are, one after the other.
template <class... Parts>
std::string bytes(const Parts&... parts) {
  std::string out;
  const auto append = [&](const auto& part) {
    if constexpr (std::is_convertible_v<decltype(part), std::string_view>) {
      out += part;
    } else {
      char raw[sizeof part];
      std::memcpy(raw, &part, sizeof part);
      out.append(raw, sizeof part);
    }
  };
  (append(parts), ...);
  return out;
}

inline std::string text(std::string_view value) { return bytes(std::uint64_t{value.size()}, value); }

inline std::string key(std::string_view name, std::uint32_t type, std::string_view value) {
  return bytes(text(name), type, value);
}

inline std::string tensor(std::string_view name, std::vector<std::uint64_t> shape, std::uint32_t type,
                          std::uint64_t offset) {
  std::string out = bytes(text(name), static_cast<std::uint32_t>(shape.size()));
  for (const std::uint64_t extent : shape) {
    out += bytes(extent);
  }
  return out + bytes(type, offset);
}

inline std::string header(std::uint64_t tensors, std::uint64_t keys, std::uint32_t version = 3) {
  return bytes("GGUF", version, tensors, keys);
}

inline std::string padded(std::string content, std::size_t alignment = 32) {
  content.resize((content.size() + alignment - 1) / alignment * alignment);
  return content;
}

inline std::span<const std::byte> view(const std::string& content) { return std::as_bytes(std::span(content)); }

}  // namespace raw_gguf
