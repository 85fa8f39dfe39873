// llama_steer/serve/steering_field.hpp: the field `steering` of a request: presets by name, and how much of them.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "llama_steer/serve/api_error.hpp"
#include "steer/core/error.hpp"
#include "steer/core/rows.hpp"
#include "steer/io/json_number.hpp"
#include "steer/recipe/preset.hpp"
#include "steer/serve/preset_library.hpp"

namespace llama_steer::serve {

/// What a request wants to be steered by. Nothing of it is a path or a number of a vector.
struct steering_wish {
  std::optional<std::string> preset = std::nullopt;        ///< "terse" or "terse@3", as it is
  std::vector<std::pair<std::string, double>> doses = {};  ///< finite, each name once, the preset's not among them
  std::optional<steer::phase> phase = std::nullopt;        ///< none: all rows
  steer::steering_request::base base = steer::steering_request::base::on_top;
  bool coordinates = false;  ///< whether the answer's tokens are to say where they stand

  bool operator==(const steering_wish&) const = default;
};

/// More than anybody mixes; what it costs to examine a stack grows faster than its length.
inline constexpr std::size_t most_doses = 32;
inline constexpr double largest_dose = 1e6;

namespace detail {

[[noreturn]] inline void refuse_steering(const steer::message& why, std::string param = "steering") {
  throw api_error(why, {.param = std::move(param), .code = "invalid_value"});
}

inline std::string preset_name(std::string_view reference, const std::string& param) {
  try {
    return steer::parse_preset_reference(reference).name;
  } catch (const steer::argument_error& problem) {
    constexpr std::size_t most = 300;
    refuse_steering(steer::text({param, ": ", excerpt(problem.what(), most)}), param);
  }
}

inline void require_new_name(const steering_wish& so_far, std::string_view reference, const std::string& param) {
  const std::string name = preset_name(reference, param);
  const auto is_same = [&](std::string_view other) { return other.substr(0, other.find('@')) == name; };
  if ((so_far.preset && is_same(*so_far.preset)) ||
      std::any_of(so_far.doses.begin(), so_far.doses.end(), [&](const auto& each) { return is_same(each.first); })) {
    refuse_steering(steer::text({param, " names \"", name, "\" twice; expected each preset once"}), param);
  }
}

inline void add_dose(steering_wish& out, std::string_view reference, double dose, const std::string& param) {
  require_new_name(out, reference, param);
  if (out.doses.size() == most_doses) {
    refuse_steering(steer::text({param, " names more than ", most_doses, " presets"}), param);
  }
  if (!(std::abs(dose) <= largest_dose)) {
    refuse_steering(steer::text({param, ": the dose of ", reference, " is ", dose, "; expected a number from -", largest_dose, " to ",
                                 largest_dose}), param);
  }
  out.doses.emplace_back(reference, dose + 0.0);  // -0 is 0
}

/// Reads "0.5 terse - 0.2 happy" from left to right.
class expression_reader {
 public:
  explicit expression_reader(std::string_view written) : whole_(written), rest_(written) {}

  [[nodiscard]] steering_wish read() {
    steering_wish out;
    skip_space();
    double sign = next_is("+-") ? take_sign() : 1.0;
    while (true) {
      const double dose = sign * take_number();
      add_dose(out, take_name(), dose, "steering");
      if (rest_.empty()) {
        return out;
      }
      sign = take_sign();
    }
  }

 private:
  static constexpr std::string_view space = " \t\r\n";
  static constexpr std::string_view digits = "0123456789";

  [[nodiscard]] bool next_is(std::string_view any) const { return !rest_.empty() && any.find(rest_.front()) != std::string_view::npos; }

  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(space), rest_.size())); }

  [[noreturn]] void fail(std::string_view expected) const {
    refuse_steering(steer::text({"steering \"", excerpt(whole_), "\": expected ", expected, rest_.empty() ? " at its end" : " at \"",
                                 excerpt(rest_, 20), rest_.empty() ? "" : "\""}));
  }

  double take_sign() {
    if (!next_is("+-")) {
      fail("+ or -");
    }
    const double out = rest_.front() == '-' ? -1.0 : 1.0;
    rest_.remove_prefix(1);
    skip_space();
    return out;
  }

  /// 1 where a name stands by itself.
  double take_number() {
    double out = 1.0;
    if (next_is(digits) || next_is(".")) {
      const auto [end, failure] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), out);
      if (failure != std::errc{}) {
        fail("a number");
      }
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      if (!next_is(space)) {  // "2e" and "0x1" are no number with a name behind it
        fail("white space and a name behind a number");
      }
      skip_space();
    }
    return out;
  }

  std::string_view take_name() {
    const auto goes_on = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '@';
    };
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), goes_on);
    const std::string_view out = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    if (out.empty() || next_is(digits)) {
      fail("a preset's name");
    }
    rest_.remove_prefix(out.size());
    skip_space();
    return out;
  }

  std::string_view whole_;
  std::string_view rest_;
};

inline std::string steering_text(const nlohmann::json& written, const std::string& param, std::string_view expected) {
  if (!written.is_string()) {
    throw api_error(steer::text({param, " is ", excerpt(steer::detail::shown(written)), "; expected ", expected}),
                    {.param = param, .code = "invalid_type"});
  }
  return written.get<std::string>();
}

inline void read_steering_key(steering_wish& out, const std::string& key, const nlohmann::json& value) {
  const std::string param = steer::text({"steering.", excerpt(key)});
  if (key != "preset" && key != "doses" && key != "phase" && key != "base" && key != "coordinates") {
    throw api_error(steer::text({"unknown field \"", param, "\"; expected preset, doses, phase, base or coordinates"}),
                    {.param = param, .code = "unknown_parameter"});
  }
  if (value.is_null()) {
    return;
  }
  if (key == "preset") {
    std::string reference = steering_text(value, param, "a preset's name");
    require_new_name(out, reference, param);
    out.preset = std::move(reference);
  } else if (key == "doses") {
    if (!value.is_object()) {
      throw api_error(steer::text({param, " is ", excerpt(steer::detail::shown(value)), "; expected an object from names to numbers"}),
                      {.param = param, .code = "invalid_type"});
    }
    for (const auto& [name, dose] : value.items()) {
      if (!dose.is_number()) {
        throw api_error(steer::text({param, ": the dose of ", excerpt(name), " is ", excerpt(steer::detail::shown(dose)),
                                     "; expected a number"}), {.param = param, .code = "invalid_type"});
      }
      add_dose(out, name, dose.get<double>(), param);
    }
  } else if (key == "phase") {
    const std::string name = steering_text(value, param, "\"all\", \"prompt\" or \"generation\"");
    if (name != "all" && name != "prompt" && name != "generation") {
      refuse_steering(steer::text({param, " is \"", excerpt(name), "\"; expected all, prompt or generation"}), param);
    }
    out.phase = name == "all" ? std::nullopt : std::optional(name == "prompt" ? steer::phase::prompt : steer::phase::generation);
  } else {
    if (!value.is_boolean()) {
      throw api_error(steer::text({param, " is ", excerpt(steer::detail::shown(value)), "; expected true or false"}),
                      {.param = param, .code = "invalid_type"});
    }
    if (key == "coordinates") {
      out.coordinates = value.get<bool>();
    } else {
      out.base = value.get<bool>() ? steer::steering_request::base::on_top : steer::steering_request::base::without;
    }
  }
}

}  // namespace detail

/// "0.5 terse - 0.2 happy": names joined by + and -, a number before a name is its dose, a bare name is 1. Numbers are decimal, with a
/// point and perhaps an exponent; white space separates a number from its name and is free elsewhere.
/// @throws api_error naming the place that is none of this, the name that no preset can have, or that stands twice
inline steering_wish parse_steering_expression(std::string_view written) { return detail::expression_reader(written).read(); }

/// An expression, or an object whose keys are those of `steering_wish`; null is as if it were not there.
/// @throws as `parse_steering_expression`; api_error naming the key that is unknown or has another type
inline steering_wish parse_steering(const nlohmann::json& written) {
  if (written.is_string()) {
    return parse_steering_expression(written.get_ref<const std::string&>());
  }
  steering_wish out;
  if (written.is_object()) {
    for (const auto& [key, value] : written.items()) {
      detail::read_steering_key(out, key, value);
    }
  } else if (!written.is_null()) {
    throw api_error(steer::text({"steering is ", excerpt(steer::detail::shown(written)), "; expected an expression or an object"}),
                    {.param = "steering", .code = "invalid_type"});
  }
  return out;
}

}  // namespace llama_steer::serve
