// steer/recipe/field.hpp: the parts of an edit under their names, so that checks and digests need no list of their own.
//
// What a recipe consists of has a static function `fields(self, visit)` that calls `visit(name, part)` for each part, and
// `visit(name, number, domain)` for numbers. A part may have fields itself; of an enumeration `last_of` says the last value.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/linkage.hpp"
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

/// Checks each part that a field visitor meets; one that nothing checks does not compile.
struct field_check {
  const std::string& who;

  STEER_API void operator()(std::string_view name, double number, domain allowed) const;
  STEER_API void operator()(std::string_view name, const std::vector<float>& numbers, domain allowed) const;
  STEER_API void operator()(std::string_view, const steering_vector& vector) const;
  template <class Part>
  void operator()(std::string_view name, const std::vector<Part>& parts) const {
    for (const Part& part : parts) {
      (*this)(name, part);
    }
  }
  template <class Part>
  void operator()(std::string_view name, const std::optional<Part>& part) const {
    if (part) {
      (*this)(name, *part);
    }
  }
  template <class Part>
  void operator()([[maybe_unused]] std::string_view name, const Part& part) const {
    if constexpr (has_fields<Part>) {
      Part::fields(part, *this);
    } else if constexpr (std::is_enum_v<Part>) {
      const auto value = static_cast<int>(part);
      const auto last = static_cast<int>(last_of(part));
      if (value < 0 || value > last) {
        throw argument_error(
            text({thing(who), ": ", name, " is ", actual(value), "; expected ", expected({"0 to ", last})}));
      }
    } else if constexpr (requires { check(part, who); }) {
      check(part, who);
    } else {
      static_assert(std::is_integral_v<Part>, "nothing checks this part: give it fields, a check, or a domain");
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

#ifndef STEER_COMPILED
#include "steer/recipe/field.ipp"
#endif
