// llama_steer/add_option.hpp: options that are numbers, read whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <CLI/CLI.hpp>

#include "llama_steer/parse.hpp"
#include "steer/core/error.hpp"

namespace llama_steer {

/// @param to  a number; or an optional one, which has no default
template <class Number>
CLI::Option* add_number(CLI::App& app, const std::string& name, Number& to, const std::string& what) {
  CLI::Option* const out = app.add_option_function<std::string>(
      name,
      [&to, name](const std::string& item) {
        if constexpr (std::is_same_v<Number, float>) {
          to = parse_number(item, name);
        } else {
          to = parse_real(item, name);
        }
      },
      what);
  if constexpr (std::is_arithmetic_v<Number>) {
    out->default_str(steer::text(to));
  }
  return out;
}

template <class Number>
CLI::Option* add_whole(CLI::App& app, const std::string& name, Number& to, std::int64_t least, std::int64_t most, const std::string& what) {
  CLI::Option* const out = app.add_option_function<std::string>(
      name,
      [&to, name, least, most](const std::string& item) {
        const std::int64_t number = parse_whole(item, name, least, most);
        if constexpr (std::is_integral_v<Number>) {
          to = static_cast<Number>(number);
        } else {
          to = static_cast<typename Number::value_type>(number);
        }
      },
      what);
  if constexpr (std::is_integral_v<Number>) {
    out->default_str(std::to_string(to));
  }
  return out;
}

template <class Number>
CLI::Option* add_numbers(CLI::App& app, const std::string& name, std::vector<Number>& to, const std::string& what) {
  std::string shown;
  for (const Number number : to) {
    shown += (shown.empty() ? "" : ",") + std::string(steer::text(number));
  }
  return app
      .add_option_function<std::string>(
          name,
          [&to, name](const std::string& list) {
            const std::vector<float> numbers = parse_numbers(list, name);
            to.assign(numbers.begin(), numbers.end());
          },
          what)
      ->default_str(shown);
}

}  // namespace llama_steer
