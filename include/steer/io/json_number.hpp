// steer/io/json_number.hpp: numbers out of JSON, as they are written or not at all. Opt-in: component `safetensors`.
//
// The JSON library's own conversions cut 2.9 to 2, wrap 2^32 + 2 to 2, take true for 1 and turn what is beyond float32
// into infinity.
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <nlohmann/json.hpp>

#include "steer/core/error.hpp"
#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// A value for messages: as it is written, or what it is if that is long.
STEER_API std::string shown(const nlohmann::json& written);

/// The integer that is written, if it is one and the type holds it.
template <std::integral Number>
std::optional<Number> integer_in(const nlohmann::json& written) {
  const auto narrow = [](auto number) {
    return std::in_range<Number>(number) ? std::optional{static_cast<Number>(number)} : std::nullopt;
  };
  if (written.is_number_unsigned()) {
    return narrow(written.get<std::uint64_t>());
  }
  return written.is_number_integer() ? narrow(written.get<std::int64_t>()) : std::nullopt;
}

/// A whole number, not negative.
/// @throws format_error if it is none that the type holds; `who` names the thing that has the number under that name
template <std::integral Number>
Number whole_number_of(const nlohmann::json& written, const std::string& who, std::string_view name) {
  const std::optional<Number> number = integer_in<Number>(written);
  if (!number || std::cmp_less(*number, 0)) {
    throw format_error(
        text({thing(who), " has ", name, " ", actual(shown(written)), "; expected ",
              expected({"a whole number, not negative, at most ", std::numeric_limits<Number>::max()})}));
  }
  return *number;
}

/// A number that is finite in that type, rounded to it.
/// @throws format_error if it is none; `who` names the thing that has the number under that name
template <std::floating_point Number>
Number real_number_of(const nlohmann::json& written, const std::string& who, std::string_view name) {
  const double number = written.is_number() ? written.get<double>() : std::numeric_limits<double>::infinity();
  if (!(std::abs(number) <= static_cast<double>(std::numeric_limits<Number>::max()))) {
    throw format_error(text({thing(who), " has ", name, " ", actual(shown(written)), "; expected ",
                             expected({"a finite number of float", 8 * sizeof(Number)})}));
  }
  return static_cast<Number>(number);
}

/// JSON has no word for infinity: the library writes null, and where infinity has a meaning null is read as it.
template <std::floating_point Number>
Number real_or_infinity_of(const nlohmann::json& written, const std::string& who, std::string_view name) {
  return written.is_null() ? std::numeric_limits<Number>::infinity() : real_number_of<Number>(written, who, name);
}

/// @throws format_error if this is no array, or one with anything else in it than finite numbers; `who` names the thing that
///         has the numbers under that name
STEER_API std::vector<double> real_numbers_of(const nlohmann::json& written, const std::string& who, std::string_view name);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/json_number.ipp"
#endif
