// steer/core/error.hpp: the errors that building, extracting and loading throw. Hot code throws nothing.
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <stdexcept>
#include <string>
#include <string_view>

namespace steer {
inline namespace v0 {

/// Base of every exception of this library. The message names the thing, the expected and the actual.
struct error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A width, layer, point or count that does not fit the model or its partner.
struct shape_error : error {
  using error::error;
};

/// A number that no computation can use: NaN, infinity, a zero norm, too few samples.
struct numeric_error : error {
  using error::error;
};

/// An option that has no meaning here: an unknown unit, an empty selection, a fact that the host cannot supply.
struct argument_error : error {
  using error::error;
};

/// A file whose content is not what its format promises.
struct format_error : error {
  using error::error;
};

/// A model that fails while it runs, or that was run in a way that a hook cannot follow.
struct host_error : error {
  using error::error;
};

/// A file that cannot be opened, read or written.
struct file_error : error {
  using error::error;
};

namespace detail {

inline void append(std::string& out, std::string_view part) { out += part; }
inline void append(std::string& out, char part) { out += part; }

template <class Number>
  requires std::integral<Number> || std::floating_point<Number>
void append(std::string& out, Number part) {
  std::array<char, 64> digits{};
  std::to_chars_result end{};
  if constexpr (std::floating_point<Number>) {
    end = std::to_chars(digits.data(), digits.data() + digits.size(), part, std::chars_format::general, 6);
  } else {
    end = std::to_chars(digits.data(), digits.data() + digits.size(), part);
  }
  out.append(digits.data(), end.ptr);
}

/// Joins strings and numbers into one message; numbers with six significant digits.
template <class... Parts>
std::string text(const Parts&... parts) {
  std::string out;
  (append(out, parts), ...);
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
