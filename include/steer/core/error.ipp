// steer/core/error.ipp: the bodies of error.hpp.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "steer/core/error.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// The fields of a message. Where nothing was named as its thing, that is what stands before the first colon, as all of
/// ours have it; "happy, layer 3" is a thing and its layer.
STEER_CHEAP_BODY error_fields fields_of(const message& said) {
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

STEER_CHEAP_BODY void append(message& out, const named_part& part) {
  out += part.text;
  if (part.field != nullptr) {
    out.fields.*part.field = part.text;
  } else {
    out.fields.layer = part.layer;
  }
}

STEER_CHEAP_BODY void append(message& out, const message& part) {
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

}  // namespace detail

STEER_CHEAP_BODY void text_part::append_to(message& out) const {
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
    case kind::named: detail::append(out, *value_.named); break;
    case kind::joined: detail::append(out, *value_.joined); break;
  }
}

STEER_CHEAP_BODY message text(std::initializer_list<text_part> parts) {
  message out;
  for (const text_part& part : parts) {
    part.append_to(out);
  }
  return out;
}
STEER_CHEAP_BODY message text(const text_part& part) { return text({part}); }

STEER_CHEAP_BODY named_part thing(std::initializer_list<text_part> parts) { return {text(parts), &error_fields::what}; }
STEER_CHEAP_BODY named_part thing(const text_part& part) { return thing({part}); }
STEER_CHEAP_BODY named_part expected(std::initializer_list<text_part> parts) { return {text(parts), &error_fields::expected}; }
STEER_CHEAP_BODY named_part expected(const text_part& part) { return expected({part}); }
STEER_CHEAP_BODY named_part actual(std::initializer_list<text_part> parts) { return {text(parts), &error_fields::actual}; }
STEER_CHEAP_BODY named_part actual(const text_part& part) { return actual({part}); }
STEER_CHEAP_BODY named_part at_layer(int layer) { return {text(layer), nullptr, layer}; }

STEER_CHEAP_BODY message within(const std::string& head, const error& problem) {
  return {text({head, problem.what()}), problem.fields()};
}

STEER_CHEAP_BODY error::error(const message& what)
    : std::runtime_error(what), fields_(std::make_shared<const error_fields>(detail::fields_of(what))) {}

}  // namespace v0
}  // namespace steer
