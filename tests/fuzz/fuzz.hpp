// tests/fuzz/fuzz.hpp: a reader meets arbitrary bytes. It may refuse them, by an error of the library and nothing else; what
// it accepts is written and read again, and equal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "steer/core/error.hpp"

namespace fuzz {

inline std::span<const std::byte> bytes(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span(data, size));
}
inline std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

/// What the reader makes of the bytes; nothing if it refuses them. Any other exception ends the program.
template <class Read>
auto accepted(Read read) -> std::optional<decltype(read())> {
  try {
    return read();
  } catch (const steer::format_error&) {
    return std::nullopt;
  }
}

/// What the reader accepts goes on to `use`, which must not throw.
template <class Read, class Use>
int run(Read read, Use use) {
  if (const auto found = accepted(read)) {
    use(*found);
  }
  return 0;
}

/// Ends the program, and with it the run.
inline void require(bool holds) {
  if (!holds) {
    __builtin_trap();
  }
}

}  // namespace fuzz
