// steer/recipe/preset.ipp: the bodies of preset.hpp.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/recipe/documented_recipe.hpp"
#include "steer/recipe/preset.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

constexpr bool is_preset_name(std::string_view name) noexcept {
  constexpr std::size_t most = 64;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (name.empty() || name.size() > most || !letter(name.front())) {
    return false;
  }
  for (const char c : name) {
    if (!letter(c) && !(c >= '0' && c <= '9') && c != '_') {
      return false;
    }
  }
  return true;
}

inline void require_preset_name(std::string_view name) {
  if (!is_preset_name(name)) {
    throw argument_error(text({thing("preset"), " has the name ", actual({"\"", name, "\""}), "; expected ",
                               expected("1 to 64 letters, digits and underscores, beginning with a letter")}));
  }
}

}  // namespace detail

STEER_BODY std::string reference_of(const preset& p) { return text({p.name, "@", p.version}); }

STEER_BODY preset_reference parse_preset_reference(std::string_view written) {
  const std::size_t at = written.find('@');
  preset_reference out{std::string(written.substr(0, at))};
  detail::require_preset_name(out.name);
  if (at != std::string_view::npos) {
    const std::string_view number = written.substr(at + 1);
    const auto [end, failure] = std::from_chars(number.data(), number.data() + number.size(), out.version);
    if (failure != std::errc{} || end != number.data() + number.size() || out.version < 1 || number.front() == '0') {
      throw argument_error(text({thing({"preset \"", out.name, "\""}), " has the version ", actual({"\"", number, "\""}), "; expected ",
                                 expected("a whole number from 1")}));
    }
  }
  return out;
}

STEER_BODY void check(const preset& p) {
  detail::require_preset_name(p.name);
  const std::string who = text({"preset \"", p.name, "\""});
  if (p.version < 1) {
    throw argument_error(text({thing(who), " has version ", actual(p.version), "; expected ", expected("1 or more")}));
  }
  if (!std::isfinite(p.least_dose) || !std::isfinite(p.most_dose)) {
    throw numeric_error(text({thing(who), " was looked at for doses from ", actual({p.least_dose, " to ", p.most_dose}), "; expected ",
                              expected("finite numbers")}));
  }
  if (p.least_dose > p.most_dose) {
    throw argument_error(text({thing(who), " was looked at for doses from ", actual({p.least_dose, " to ", p.most_dose}), "; expected ",
                               expected("the smaller one first")}));
  }
  check(p.content);
}

}  // namespace v0
}  // namespace steer
