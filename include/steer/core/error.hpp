// steer/core/error.hpp: the errors that building, extracting and loading throw. Hot code throws nothing.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "steer/core/linkage.hpp"

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

/// A message and the parts that were named while it was joined, see `text`.
struct message : std::string {
  error_fields fields = {};
};

/// Base of every exception of this library. The message names the thing, the expected and the actual, and so do the
/// fields.
struct error : std::runtime_error {
  explicit error(const std::string& what) : error(message{what}) {}
  explicit error(const char* what) : error(std::string(what)) {}
  explicit error(const message& what);

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

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/core/error.ipp"
#endif
