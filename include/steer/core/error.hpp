// steer/core/error.hpp: the errors that building, extracting and loading throw. Hot code throws nothing.
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace steer {
inline namespace v0 {

/// What an error is about, part by part, for programs that act on errors; what it does not have is empty. The message says
/// the same, and more.
struct error_fields {
  std::string what = {};                    ///< the thing: an edit, a file, a tensor, an option
  std::optional<int> layer = std::nullopt;  ///< zero-based
  std::string expected = {};
  std::string actual = {};

  bool operator==(const error_fields&) const = default;
};

namespace detail {

/// A message and the parts that were named while it was joined, see `text`.
struct message : std::string {
  error_fields fields = {};
};

/// The fields of a message. Where nothing was named as its thing, that is what stands before the first colon, as all of ours
/// have it; "happy, layer 3" is a thing and its layer.
inline error_fields fields_of(const message& said) {
  constexpr std::string_view before_layer = ", layer ";
  error_fields out = said.fields;
  if (out.what.empty()) {
    out.what = said.substr(0, said.find(": "));
  }
  if (const std::size_t at = out.what.rfind(before_layer); at != std::string::npos) {
    const char* const end = out.what.data() + out.what.size();
    int layer = 0;
    const auto [rest, problem] = std::from_chars(out.what.data() + at + before_layer.size(), end, layer);
    if (problem == std::errc() && rest == end) {
      out.layer = out.layer.value_or(layer);
      out.what.resize(at);
    }
  }
  return out;
}

}  // namespace detail

/// Base of every exception of this library. The message names the thing, the expected and the actual, and so do the fields.
struct error : std::runtime_error {
  explicit error(const std::string& message) : error(detail::message{message}) {}
  explicit error(const char* message) : error(std::string(message)) {}
  explicit error(const detail::message& message)
      : std::runtime_error(message), fields_(std::make_shared<const error_fields>(detail::fields_of(message))) {}

  [[nodiscard]] const error_fields& fields() const noexcept { return *fields_; }

 private:
  std::shared_ptr<const error_fields> fields_;  // shared, so that to copy an exception cannot throw
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

/// A part of a message that is a field of its error, too.
struct named_part {
  std::string text;
  std::string error_fields::*field = nullptr;  ///< null: the layer
  int layer = 0;
};

inline void append(message& out, const named_part& part) {
  out += part.text;
  if (part.field != nullptr) {
    out.fields.*part.field = part.text;
  } else {
    out.fields.layer = part.layer;
  }
}

/// Joins strings and numbers into one message; numbers with six significant digits.
///
///     throw shape_error(text(who, ": has width ", actual(width), "; expected ", expected(d)));
template <class... Parts>
auto text(const Parts&... parts) {
  std::conditional_t<(std::same_as<Parts, named_part> || ...), message, std::string> out;
  (append(out, parts), ...);
  return out;
}

template <class... Parts>
named_part thing(const Parts&... parts) {
  return {text(parts...), &error_fields::what};
}
template <class... Parts>
named_part expected(const Parts&... parts) {
  return {text(parts...), &error_fields::expected};
}
template <class... Parts>
named_part actual(const Parts&... parts) {
  return {text(parts...), &error_fields::actual};
}
inline named_part at_layer(int layer) { return {text(layer), nullptr, layer}; }

/// What an error says, after a head that says where; the fields stay.
inline message within(const std::string& head, const error& problem) {
  return {text(head, std::string_view(problem.what())), problem.fields()};
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
