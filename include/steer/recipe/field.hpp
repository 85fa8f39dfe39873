// steer/recipe/field.hpp: the parts of an edit under their names, so that checks and digests need no list of their own.
//
// What a recipe consists of has a static function `fields(self, visit)` that calls `visit(name, part)` for each part, and
// `visit(name, number, domain)` for numbers. A part may have fields itself.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

/// The numbers that a field may hold.
enum class domain : std::uint8_t {
  finite,        ///< any but NaN and infinity
  bound,         ///< any but NaN
  above_zero,    ///< infinity included
  not_negative,  ///< and finite
  at_least_one,  ///< infinity included
  fraction,      ///< 0 to 1
};

constexpr bool contains(domain allowed, double number) noexcept {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  switch (allowed) {
    case domain::finite: return number > -infinity && number < infinity;
    case domain::bound: return number == number;
    case domain::above_zero: return number > 0.0;
    case domain::not_negative: return number >= 0.0 && number < infinity;
    case domain::at_least_one: return number >= 1.0;
    case domain::fraction: break;
  }
  return number >= 0.0 && number <= 1.0;
}

constexpr std::string_view to_string(domain allowed) noexcept {
  switch (allowed) {
    case domain::finite: return "a finite number";
    case domain::bound: return "a number";
    case domain::above_zero: return "a number above 0";
    case domain::not_negative: return "a finite number, not negative";
    case domain::at_least_one: return "a number of at least 1";
    case domain::fraction: break;
  }
  return "0 to 1";
}

namespace detail {

struct no_visit {
  template <class... Parts>
  void operator()(const Parts&...) const {}
};

/// Something whose parts can be visited.
template <class Thing>
concept has_fields = requires(const Thing& thing, no_visit visit) { Thing::fields(thing, visit); };

/// Checks each part that a field visitor meets.
struct field_check {
  const std::string& who;

  void operator()(std::string_view name, double number, domain allowed) const {
    if (!contains(allowed, number)) {
      throw numeric_error(text(who, ": ", name, " is ", number, "; expected ", to_string(allowed)));
    }
  }
  void operator()(std::string_view name, const std::vector<float>& numbers, domain allowed) const {
    for (const float number : numbers) {
      (*this)(name, static_cast<double>(number), allowed);
    }
  }
  void operator()(std::string_view, const steering_vector& vector) const { check(vector); }
  template <class Part>
  void operator()(std::string_view name, const std::vector<Part>& parts) const {
    for (const Part& part : parts) {
      (*this)(name, part);
    }
  }
  template <class Part>
  void operator()(std::string_view, const Part& part) const {
    if constexpr (has_fields<Part>) {
      Part::fields(part, *this);
    } else if constexpr (requires { check(part, who); }) {
      check(part, who);
    }
  }
};

/// Calls `use(vector)` for every steering vector among the fields, at any depth.
template <class Use>
struct each_vector {
  Use use;

  void operator()(std::string_view, const steering_vector& vector) { use(vector); }
  template <class Part>
  void operator()(std::string_view name, const std::vector<Part>& parts) {
    for (const Part& part : parts) {
      (*this)(name, part);
    }
  }
  template <class Part, class... Domain>
  void operator()(std::string_view, const Part& part, Domain...) {
    if constexpr (has_fields<Part>) {
      Part::fields(part, [this](std::string_view name, const auto& inner, auto...) { (*this)(name, inner); });
    }
  }
};
template <class Use>
each_vector(Use) -> each_vector<Use>;

}  // namespace detail
}  // namespace v0
}  // namespace steer
