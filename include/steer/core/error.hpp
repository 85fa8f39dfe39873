// steer/core/error.hpp: the errors that building, extracting and loading throw. Hot code throws nothing.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

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

}  // namespace detail

/// Base of every exception of this library. The message names the thing, the expected and the actual, and so do the fields.
struct error : std::runtime_error {
  explicit error(const std::string& message) : error(detail::message{message}) {}
  explicit error(const char* message) : error(std::string(message)) {}
  explicit error(const detail::message& message);

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

/// A part of a message that is a field of its error, too.
struct named_part {
  std::string text;
  std::string error_fields::*field = nullptr;  ///< null: the layer
  int layer = 0;
};

/// A string, a number, a named part or a message with its fields: what a message is joined from. It views what it was
/// made from, so it lives no longer than the call.
class text_part {
 public:
  text_part(std::string_view part) noexcept : kind_(kind::string), value_{.string = part} {}
  text_part(const std::string& part) noexcept : text_part(std::string_view(part)) {}
  text_part(const char* part) noexcept : text_part(std::string_view(part)) {}
  text_part(char part) noexcept : kind_(kind::character), value_{.character = part} {}
  text_part(long long part) noexcept : kind_(kind::integer), value_{.integer = part} {}
  text_part(long part) noexcept : text_part(static_cast<long long>(part)) {}
  text_part(int part) noexcept : text_part(static_cast<long long>(part)) {}
  text_part(unsigned long long part) noexcept : kind_(kind::natural), value_{.natural = part} {}
  text_part(unsigned long part) noexcept : text_part(static_cast<unsigned long long>(part)) {}
  text_part(unsigned part) noexcept : text_part(static_cast<unsigned long long>(part)) {}
  text_part(double part) noexcept : kind_(kind::real), value_{.real = part} {}
  text_part(const named_part& part) noexcept : kind_(kind::named), value_{.named = &part} {}
  text_part(const message& part) noexcept : kind_(kind::joined), value_{.joined = &part} {}
  text_part(bool) = delete;

  void append_to(message& out) const;

 private:
  enum class kind : unsigned char { string, character, integer, natural, real, named, joined };

  union value {
    std::string_view string;
    char character;
    long long integer;
    unsigned long long natural;
    double real;
    const named_part* named;
    const message* joined;
  };

  kind kind_;
  value value_;
};

/// Joins strings and numbers into one message; numbers with six significant digits.
///
///     throw shape_error(text({who, ": has width ", actual(width), "; expected ", expected({"at least ", least})}));
///
/// No template: each list of types would be an instantiation of its own, and there are hundreds.
message text(std::initializer_list<text_part> parts);
message text(const text_part& part);

named_part thing(std::initializer_list<text_part> parts);
named_part thing(const text_part& part);
named_part expected(std::initializer_list<text_part> parts);
named_part expected(const text_part& part);
named_part actual(std::initializer_list<text_part> parts);
named_part actual(const text_part& part);
named_part at_layer(int layer);

/// What an error says, after a head that says where; the fields stay.
message within(const std::string& head, const error& problem);

// The bodies, none of them a template.

/// The fields of a message. Where nothing was named as its thing, that is what stands before the first colon, as all of
/// ours have it; "happy, layer 3" is a thing and its layer.
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

inline void append(message& out, const named_part& part) {
  out += part.text;
  if (part.field != nullptr) {
    out.fields.*part.field = part.text;
  } else {
    out.fields.layer = part.layer;
  }
}

inline void append(message& out, const message& part) {
  out += part;
  for (const auto field : {&error_fields::what, &error_fields::expected, &error_fields::actual}) {
    if (!(part.fields.*field).empty()) {
      out.fields.*field = part.fields.*field;
    }
  }
  if (part.fields.layer) {
    out.fields.layer = part.fields.layer;
  }
}

inline void text_part::append_to(message& out) const {
  std::array<char, 64> digits{};
  char* const end = digits.data() + digits.size();
  switch (kind_) {
    case kind::string: out += value_.string; break;
    case kind::character: out += value_.character; break;
    case kind::integer: out.append(digits.data(), std::to_chars(digits.data(), end, value_.integer).ptr); break;
    case kind::natural: out.append(digits.data(), std::to_chars(digits.data(), end, value_.natural).ptr); break;
    case kind::real:
      out.append(digits.data(), std::to_chars(digits.data(), end, value_.real, std::chars_format::general, 6).ptr);
      break;
    case kind::named: append(out, *value_.named); break;
    case kind::joined: append(out, *value_.joined); break;
  }
}

inline message text(std::initializer_list<text_part> parts) {
  message out;
  for (const text_part& part : parts) {
    part.append_to(out);
  }
  return out;
}
inline message text(const text_part& part) { return text({part}); }

inline named_part thing(std::initializer_list<text_part> parts) { return {text(parts), &error_fields::what}; }
inline named_part thing(const text_part& part) { return thing({part}); }
inline named_part expected(std::initializer_list<text_part> parts) { return {text(parts), &error_fields::expected}; }
inline named_part expected(const text_part& part) { return expected({part}); }
inline named_part actual(std::initializer_list<text_part> parts) { return {text(parts), &error_fields::actual}; }
inline named_part actual(const text_part& part) { return actual({part}); }
inline named_part at_layer(int layer) { return {text(layer), nullptr, layer}; }

inline message within(const std::string& head, const error& problem) {
  return {text({head, problem.what()}), problem.fields()};
}

}  // namespace detail

inline error::error(const detail::message& message)
    : std::runtime_error(message), fields_(std::make_shared<const error_fields>(detail::fields_of(message))) {}

}  // namespace v0
}  // namespace steer
