// tests/fuzz/fuzz.hpp: a reader meets arbitrary bytes. It may refuse them, by an error of the library and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "steer/core/error.hpp"

namespace fuzz {

inline std::span<const std::byte> bytes(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span(data, size));
}

/// What the reader accepts goes on to `use`.
template <class Read, class Use>
int run(Read read, Use use) {
  try {
    use(read());
  } catch (const steer::format_error&) {
    return 0;  // refused; any other exception ends the program
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
