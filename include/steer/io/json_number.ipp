// steer/io/json_number.ipp: the bodies of json_number.hpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>
#include <nlohmann/json.hpp>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/json_number.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY std::string shown(const nlohmann::json& written) {
  return written.is_primitive() ? written.dump() : text({"of type ", written.type_name()});
}

STEER_BODY std::vector<double> real_numbers_of(const nlohmann::json& written, const std::string& who, std::string_view name) {
  if (!written.is_array()) {
    throw format_error(
        text({thing(who), " has ", name, " ", actual(shown(written)), "; expected ", expected("an array of numbers")}));
  }
  std::vector<double> out;
  for (const nlohmann::json& number : written) {
    out.push_back(real_number_of<double>(number, who, text({name, " with number ", out.size()})));
  }
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
